/** The socket to the VDS as the link uses it: one at a time, opened with a token, heard by calls. */
import type { ErrorCode, Signal } from '../protocol/generated'
import type { Clock } from './clock'
import { isLoggedOut } from './errors'
import type { SignalPost } from './road'
import { type FrameHook, Signaling, type Socket } from './signaling'

export interface VdsOptions {
  clock: Clock
  openSocket: () => Socket
  /** A token that is good for a while; a `NetError` where there is none. */
  token: () => Promise<string>
  distrust: (token: string) => void
  /** Every frame to and from the VDS. */
  onFrame?: FrameHook
}

export interface VdsHandlers {
  onReady: () => void
  onClosed: () => void
  onHome: (home: string | null) => void
  onLoggedOut: () => void
  onUnsupported: () => void
  /** The PC could not be handed a signal. */
  onUnreachable: () => void
}

export class Vds implements SignalPost {
  private signaling: Signaling | null = null
  private isReady = false
  /** Grows with every socket asked for: a token that comes too late opens nothing. */
  private asked = 0
  private readonly listeners = new Map<string, (signal: Signal) => void>()

  constructor(
    private readonly options: VdsOptions,
    private readonly handlers: VdsHandlers,
  ) {}

  async open(): Promise<void> {
    const asked = ++this.asked
    let token: string
    try {
      token = await this.options.token()
    } catch (error) {
      if (asked !== this.asked) return
      if (isLoggedOut(error)) this.handlers.onLoggedOut()
      else this.handlers.onClosed()
      return
    }
    if (asked === this.asked) this.connect(token)
  }

  close(): void {
    this.asked++
    this.isReady = false
    this.signaling?.close()
    this.signaling = null
  }

  probe(): void {
    this.signaling?.probe()
  }

  post(signal: Signal): void {
    this.signaling?.post(signal)
  }

  listen(connection: string, heard: (signal: Signal) => void): () => void {
    this.listeners.set(connection, heard)
    return () => this.listeners.delete(connection)
  }

  private connect(token: string): void {
    const { clock, openSocket, distrust, onFrame } = this.options
    const { onHome, onClosed, onReady, onUnsupported, onUnreachable } = this.handlers
    const handlers = {
      onReady: () => {
        this.isReady = true
        onReady()
      },
      onHome,
      onSignal: (signal: Signal) => this.listeners.get(signal.connection)?.(signal),
      onRefused: (code: ErrorCode) => {
        if (code === 'unsupported_version') return onUnsupported()
        if (code === 'peer_unreachable') onUnreachable()
        if (this.isReady) return
        distrust(token)
        this.close()
        onClosed()
      },
      onClosed: () => {
        this.isReady = false
        onClosed()
      },
      onFrame,
    }
    this.isReady = false
    this.signaling = new Signaling(openSocket(), token, handlers, clock)
  }
}
