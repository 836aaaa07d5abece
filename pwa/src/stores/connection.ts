import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { disconnected } from '../net/connection'
import { introduction } from '../net/introduction'
import type { Opening } from '../net/opening'
import { standing } from '../net/standing'
import {
  type ErrorCode,
  type FromChats,
  type FromHome,
  type Reply,
  ReplyShape,
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
  /** Whether a way to the PC is wanted. */
  const isOn = ref(false)
  const roundTripMs = ref<number | null>(null)
  const online = ref(isOnline())
  /** Since when there has been no way to the PC; null while there is one, or none is wanted. */
  const offlineSince = ref<number | null>(null)
  /** Of the connection in use: eight characters, which the PC shows too. */
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
    // Who is paired anew may have been paired with another home before.
    ticket: () => Promise.resolve(otherwise ? null : (homes.home?.lan ?? null)),
    hello: () => {
      if (!listener) throw new Error('Nobody listens to the connection.')
      return listener.hello()
    },
  })({
    onConnection(value) {
      connection.value = value
      online.value = isOnline()
      const isAway = isOn.value && !isConnected.value
      offlineSince.value = isAway ? (offlineSince.value ?? clock.now()) : null
      if (!isConnected.value) roundTripMs.value = code.value = null
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
    onCode: (derived) => (code.value = derived?.replace('-', '') ?? null),
    onTicket: (ticket) => void homes.keepTicket(ticket),
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

  /** @param opening how channels are opened until the next `start` or `stop`, if not by introduction */
  function start(opening: Opening | null = null): void {
    if (attack.value || isOn.value) return
    isOn.value = true
    otherwise = opening
    refusal.value = null
    stopWaking ??= onWake(retryNow)
    // An invitation is good for one try, so that no two lines may use it.
    link.start(opening !== null)
  }

  function retryNow(): void {
    online.value = isOnline()
    // What was refused is tried by nobody but a person.
    if (refusal.value) return start()
    link.wake()
  }

  /** This device is paired now; the connection that paired it goes on. */
  function introduceFromNowOn(): void {
    otherwise = null
  }

  function stop(): void {
    stopWaking?.()
    stopWaking = null
    otherwise = null
    isOn.value = false
    link.stop()
  }

  return {
    state,
    isConnected,
    /** Another number for every channel that comes in use; null while none is. */
    turn: computed(() => (isConnected.value ? connection.value.link.turn : null)),
    isOn,
    /** Whether the VDS shows the PC. */
    isHomeInSight: computed(() => connection.value.home !== null),
    roundTripMs,
    /** The way that the connection in use takes; null while there is none, or it is not known. */
    road: computed(() => connection.value.link.road),
    offlineSince,
    code,
    refusal,
    attack,
    start,
    stop,
    retryNow,
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
