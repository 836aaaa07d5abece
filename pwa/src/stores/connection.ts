import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { disconnected, standing } from '../net/connection'
import type { RoadName } from '../net/road'
import {
  type ErrorCode,
  type FromChats,
  type FromHome,
  type Reply,
  ReplyShape,
  type ToHome,
} from '../protocol/generated'
import { useAccount } from './account'
import { services } from './services'

/** Whoever keeps the chats: what it is told, and what it says first. */
export interface Listener {
  hello: () => ToHome
  onMessage: (message: FromChats) => void
  onWelcomed: () => void
}

export const useConnection = defineStore('connection', () => {
  const { makeLink, onWake, isOnline } = services()
  const account = useAccount()
  const connection = shallowRef(disconnected)
  const roundTripMs = ref<number | null>(null)
  const online = ref(isOnline())
  const road = ref<RoadName | null>(null)
  const refusal = ref<ErrorCode | null>(null)
  /** Of the live connection, for a person to compare with what the PC shows. */
  const code = ref<string | null>(null)
  let listener: Listener | null = null
  /** Whoever asks about people and devices. */
  let onReply: ((reply: Reply) => void) | null = null
  let stopWaking: (() => void) | null = null

  const link = makeLink({
    token: account.token,
    distrust: account.distrust,
    hello: () => {
      if (!listener) throw new Error('Nobody listens to the connection.')
      return listener.hello()
    },
  })({
    onConnection(value) {
      connection.value = value
      road.value = link.road
      online.value = isOnline()
      if (!isConnected.value) roundTripMs.value = null
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
    onRefused(code) {
      refusal.value = code
      stop()
    },
  })

  const state = computed(() => standing(connection.value, online.value))
  const isConnected = computed(() => state.value === 'connected')

  function start(): void {
    refusal.value = null
    stopWaking ??= onWake(() => {
      online.value = isOnline()
      link.wake()
    })
    link.start()
  }

  function stop(): void {
    stopWaking?.()
    stopWaking = null
    link.stop()
  }

  return {
    state,
    isConnected,
    roundTripMs,
    road,
    refusal,
    code,
    start,
    stop,
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
