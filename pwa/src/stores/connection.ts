import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { disconnected, standing } from '../net/connection'
import { introduction } from '../net/introduction'
import type { Opening } from '../net/opening'
import {
  type ErrorCode,
  type FromChats,
  type FromHome,
  type Reply,
  ReplyShape,
  type RoadName,
  type ToHome,
} from '../protocol/generated'
import { useAccount } from './account'
import { useHomes } from './homes'
import { services } from './services'

/** Whoever keeps the chats: what it is told, and what it says first. */
export interface Listener {
  hello: () => ToHome
  onMessage: (message: FromChats) => void
  onWelcomed: () => void
}

export const useConnection = defineStore('connection', () => {
  const { makeLink, onWake, isOnline, clock, deviceKeys, makeNonce } = services()
  const account = useAccount()
  const homes = useHomes()
  const connection = shallowRef(disconnected)
  const roundTripMs = ref<number | null>(null)
  const online = ref(isOnline())
  const road = ref<RoadName | null>(null)
  /** Of the live bound connection: eight characters, which the PC shows too. */
  const code = ref<string | null>(null)
  /** Why it stopped; trying again by itself would not help. */
  const refusal = ref<ErrorCode | null>(null)
  /** Whoever answered is not the home that was paired. Nothing goes on until the page is loaded anew. */
  const attack = ref(false)
  let listener: Listener | null = null
  /** Whoever asks about people and devices. */
  let onReply: ((reply: Reply) => void) | null = null
  let stopWaking: (() => void) | null = null

  const introduce = introduction(
    { clock, deviceKey: () => deviceKeys.load(), makeNonce },
    () => homes.home?.publicKey ?? null,
  )
  /** How channels are opened instead, while this device is being paired. */
  let otherwise: Opening | null = null

  const link = makeLink({
    token: account.token,
    distrust: account.distrust,
    open: (...args) => (otherwise ?? introduce)(...args),
    hello: () => {
      if (!listener) throw new Error('Nobody listens to the connection.')
      return listener.hello()
    },
  })({
    onConnection(value) {
      connection.value = value
      road.value = link.road
      online.value = isOnline()
      if (isConnected.value) return
      roundTripMs.value = null
      if (value.link.state !== 'greeting') code.value = null
    },
    onMessage: (message) => {
      if (isReply(message)) onReply?.(message)
      else listener?.onMessage(message)
    },
    onWelcomed: () => listener?.onWelcomed(),
    onRoundTrip: (ms) => (roundTripMs.value = Math.max(0, Math.round(ms))),
    onLoggedOut() {
      stop()
      account.end()
    },
    // Others compare it without the dash that people read it with.
    onCode: (derived) => (code.value = derived.replace('-', '')),
    onRefused(why) {
      stop()
      refusal.value = why
    },
    onAttack() {
      stop()
      attack.value = true
    },
  })

  const state = computed(() => standing(connection.value, online.value))
  const isConnected = computed(() => state.value === 'connected')

  const isOn = computed(() => connection.value.socket.state !== 'off')

  /** @param opening how channels are opened until the next `start` or `stop`, if not by introduction */
  function start(opening: Opening | null = null): void {
    if (attack.value || isOn.value) return
    otherwise = opening
    refusal.value = null
    stopWaking ??= onWake(() => {
      online.value = isOnline()
      link.wake()
    })
    link.start()
  }

  /** This device is paired now; the connection that paired it goes on. */
  function introduceFromNowOn(): void {
    otherwise = null
  }

  function stop(): void {
    stopWaking?.()
    stopWaking = null
    otherwise = null
    link.stop()
  }

  return {
    state,
    isConnected,
    isOn,
    /** Whether the VDS shows the PC. */
    isHomeInSight: computed(() => connection.value.home !== null),
    roundTripMs,
    road,
    code,
    refusal,
    attack,
    start,
    stop,
    introduceFromNowOn,
    listen: (to: Listener) => (listener = to),
    listenToReplies: (to: (reply: Reply) => void) => (onReply = to),
    send: (message: ToHome) => {
      link.send(message)
    },
    resync: () => {
      link.resync()
    },
  }
})

function isReply(message: FromHome): message is Reply {
  return ReplyShape.kind === 'union' && message.type in ReplyShape.of
}
