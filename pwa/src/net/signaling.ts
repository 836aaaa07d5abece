/** The WebSocket to the VDS: who is there, and the descriptions that open a connection. */
import { decoder, ProtocolError } from '../protocol/decode'
import {
  type ErrorCode,
  type FromVds,
  FromVdsShape,
  type RoomPeer,
  type Signal,
  type ToVds,
  VERSION,
} from '../protocol/generated'
import type { Clock } from './clock'

const decode = decoder<FromVds>(FromVdsShape)

/** Between pings, and how long a pong may take. */
const pingMs = 25_000
const pongMs = 8_000
/** Where something makes us doubt. To open a new socket for nothing costs less than to wait. */
const hurriedMs = 1_000

/** The part of WebSocket that is used; tests bring their own. */
export interface Socket {
  readonly readyState: number
  send(data: string): void
  close(): void
  onopen: ((event: Event) => unknown) | null
  onmessage: ((event: MessageEvent) => unknown) | null
  onclose: ((event: CloseEvent) => unknown) | null
}

export interface SignalingHandlers {
  /** In a room; the PC's presence follows. */
  onReady: () => void
  onHome: (home: string | null) => void
  onSignal: (signal: Signal) => void
  /** The server would not take something; the token, where nothing was ready yet. */
  onRefused: (code: ErrorCode) => void
  /** The socket is of no more use. Told once, and not after `close`. */
  onClosed: () => void
  /** Every frame as it goes, for whoever records what the VDS saw. */
  onFrame?: FrameHook | undefined
}

export type FrameHook = (direction: 'sent' | 'got', text: string) => void

export class Signaling {
  private room: string | null = null
  private home: string | null = null
  private pingTimer: unknown = null
  private pongTimer: unknown = null
  private pongDueMs = Infinity
  private over = false

  constructor(
    private readonly socket: Socket,
    private readonly token: string,
    private readonly handlers: SignalingHandlers,
    private readonly clock: Clock,
  ) {
    socket.onopen = () => this.send({ type: 'authenticate', version: VERSION, token: this.token })
    socket.onmessage = ({ data }) => this.feed(data)
    socket.onclose = () => this.lose()
  }

  /** Hands a signal to the PC, if it is there. */
  post(signal: Signal): void {
    if (this.room === null || this.home === null) return
    this.send({ type: 'post_signal', room: this.room, to: this.home, signal })
  }

  /** Wants a pong within `ms`, or the socket is taken for dead. */
  probe(ms = hurriedMs): void {
    const dueMs = this.clock.now() + ms
    if (this.over || this.room === null || this.pongDueMs <= dueMs) return
    this.send({ type: 'ping' })
    this.clock.cancel(this.pongTimer)
    this.pongDueMs = dueMs
    this.pongTimer = this.clock.after(ms, () => this.lose())
  }

  close(): void {
    if (this.over) return
    this.over = true
    this.clock.cancel(this.pingTimer)
    this.clock.cancel(this.pongTimer)
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null
    this.socket.close()
  }

  private feed(data: unknown): void {
    if (this.over) return
    const text = String(data)
    this.handlers.onFrame?.('got', text)
    let message: FromVds
    try {
      message = decode(text)
    } catch (error) {
      if (!(error instanceof ProtocolError && error.code === 'unknown_type')) this.lose()
      return
    }
    this.take(message)
  }

  private take(message: FromVds): void {
    switch (message.type) {
      case 'authenticated': {
        const room = message.rooms[0]
        // No PC is paired with this server yet; one that comes is found by trying again.
        if (!room) return this.handlers.onReady()
        this.room = room.id
        return this.send({ type: 'join_room', room: room.id })
      }
      case 'room_joined':
        this.handlers.onReady()
        for (const peer of message.peers) this.see(peer, true)
        return this.schedulePing()
      case 'presence_changed':
        return this.see(message.peer, message.online)
      case 'signal_posted':
        if (message.sender.role === 'home') this.handlers.onSignal(message.signal)
        return
      case 'pong':
        this.clock.cancel(this.pongTimer)
        this.pongDueMs = Infinity
        return
      case 'error':
        return this.handlers.onRefused(message.code)
    }
  }

  private see(peer: RoomPeer, online: boolean): void {
    if (peer.role !== 'home' || (!online && peer.id !== this.home)) return
    this.home = online ? peer.id : null
    this.handlers.onHome(this.home)
  }

  private schedulePing(): void {
    this.pingTimer = this.clock.after(pingMs, () => {
      this.probe(pongMs)
      this.schedulePing()
    })
  }

  private send(message: ToVds): void {
    // Between the last byte and its `close` event a socket is already deaf.
    if (this.over || this.socket.readyState !== 1) return
    const text = JSON.stringify(message)
    this.socket.send(text)
    this.handlers.onFrame?.('sent', text)
  }

  private lose(): void {
    if (this.over) return
    this.close()
    this.handlers.onClosed()
  }
}
