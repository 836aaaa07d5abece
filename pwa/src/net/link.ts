/** The shell around the connection machine: carries its actions out and tells it what happens. */
import type { ErrorCode, FromHome, RoadName, Signal, ToHome } from '../protocol/generated'
import type { Fingerprints } from '../trust/transcript'
import { Channel } from './channel'
import type { DataChannel } from './channel'
import type { Clock } from './clock'
import {
  type Action,
  type Connection,
  disconnected,
  type Input,
  nextDueMs,
  step,
} from './connection'
import { isLoggedOut } from './errors'
import type { Opening, Running } from './opening'
import type { Call, SignaledDial, SignalPost } from './road'
import { type FrameHook, Signaling, type Socket } from './signaling'

/** A sign of life after a wake or a doubt comes within this, or the link is dead. */
const graceMs = 2_500

export interface LinkOptions {
  clock: Clock
  dial: SignaledDial
  openSocket: () => Socket
  /** A token that is good for a while; a `NetError` where there is none. */
  token: () => Promise<string>
  distrust: (token: string) => void
  /** What comes first on a channel. Nothing of a chat is sent or understood before it is bound. */
  open: Opening
  /** The first message on a bound channel. */
  hello: () => ToHome
  /** Every frame to and from the VDS. */
  onFrame?: FrameHook
}

export interface LinkHandlers {
  onConnection: (connection: Connection) => void
  onMessage: (message: FromHome) => void
  /** The PC has welcomed us: what was not acknowledged may be sent. */
  onWelcomed: () => void
  onRoundTrip: (ms: number) => void
  onLoggedOut: () => void
  /** The code of the bound channel, by which people can compare the two ends. */
  onCode: (code: string) => void
  /** The link has stopped: the two ends cannot speak, and trying again would not help. */
  onRefused: (code: ErrorCode) => void
  /** The link has stopped: whoever answered is not the home that was paired. */
  onAttack: () => void
}

export interface Link {
  readonly road: RoadName | null
  start(): void
  stop(): void
  wake(): void
  /** Sends a command, if the PC is there to hear it. */
  send(message: ToHome): void
  /** Something was missed: a new channel asks for it. */
  resync(): void
}

export type MakeLink = (handlers: LinkHandlers) => Link

export function makeLink(options: LinkOptions): MakeLink {
  return (handlers) => new WiredLink(options, handlers)
}

class WiredLink implements Link {
  private connection: Connection = disconnected
  private signaling: Signaling | null = null
  private call: Call | null = null
  /** Open, and perhaps not bound. */
  private opened: { data: DataChannel; fingerprints: Fingerprints } | null = null
  private opening: Running | null = null
  /** Bound. */
  private channel: Channel | null = null
  /** The road of the call, as far as its statistics have said. */
  private known: RoadName | null = null
  private dueTimer: unknown = null
  /** Grows with every socket asked for: a token that comes too late opens nothing. */
  private socketsAsked = 0
  private readonly listeners = new Map<string, (signal: Signal) => void>()

  constructor(
    private readonly options: LinkOptions,
    private readonly handlers: LinkHandlers,
  ) {}

  get road(): RoadName | null {
    return this.channel ? this.known : null
  }

  start(): void {
    this.step({ type: 'start' })
  }

  stop(): void {
    this.step({ type: 'stop' })
  }

  wake(): void {
    this.step({ type: 'wake' })
  }

  send(message: ToHome): void {
    const { state } = this.connection.link
    if (state === 'fresh' || state === 'open') this.channel?.send(message)
  }

  resync(): void {
    this.lost()
  }

  private step(input: Input): void {
    const { clock } = this.options
    const before = this.connection
    const { connection, actions } = step(before, input, clock.now(), clock.random())
    this.connection = connection
    for (const action of actions) this.act(action)
    clock.cancel(this.dueTimer)
    const due = nextDueMs(this.connection)
    this.dueTimer =
      due === null
        ? null
        : clock.after(Math.max(0, due - clock.now()), () => this.step({ type: 'due' }))
    if (this.connection !== before) this.handlers.onConnection(this.connection)
  }

  private act(action: Action): void {
    switch (action) {
      case 'open_socket':
        return void this.openSocket()
      case 'close_socket':
        this.socketsAsked++
        this.signaling?.close()
        this.signaling = null
        return
      case 'probe_socket':
        return this.signaling?.probe()
      case 'dial':
        return this.dial()
      case 'prove':
        return this.prove()
      case 'greet':
        return this.channel?.send(this.options.hello())
      case 'probe':
        return this.channel?.probe(graceMs)
      case 'hang_up':
        return this.hangUp()
    }
  }

  private async openSocket(): Promise<void> {
    const asked = ++this.socketsAsked
    const { clock, distrust, openSocket } = this.options
    let token: string
    try {
      token = await this.options.token()
    } catch (error) {
      if (asked !== this.socketsAsked) return
      if (isLoggedOut(error)) this.handlers.onLoggedOut()
      else this.step({ type: 'socket_closed' })
      return
    }
    if (asked !== this.socketsAsked) return
    const handlers = {
      onReady: () => this.step({ type: 'socket_ready' }),
      onHome: (home: string | null) =>
        this.step(home === null ? { type: 'home_left' } : { type: 'home_found', home }),
      onSignal: (signal: Signal) => this.listeners.get(signal.connection)?.(signal),
      onRefused: (code: ErrorCode) => {
        if (code === 'unsupported_version') return this.refuse(code)
        if (code === 'peer_unreachable' && this.connection.link.state === 'dialing') this.lost()
        if (this.connection.socket.state !== 'opening') return
        distrust(token)
        this.signaling?.close()
        this.step({ type: 'socket_closed' })
      },
      onClosed: () => this.step({ type: 'socket_closed' }),
      onFrame: this.options.onFrame,
    }
    this.signaling = new Signaling(openSocket(), token, handlers, clock)
  }

  private dial(): void {
    const signals: SignalPost = {
      post: (signal) => this.signaling?.post(signal),
      listen: (connection, heard) => {
        this.listeners.set(connection, heard)
        return () => this.listeners.delete(connection)
      },
    }
    this.call = this.options.dial(signals, {
      onOpen: (data, fingerprints) => {
        this.opened = { data, fingerprints }
        this.step({ type: 'channel_opened' })
      },
      onFailed: () => this.lost(),
    })
  }

  private prove(): void {
    if (!this.opened) return
    const { data, fingerprints } = this.opened
    this.opening = this.options.open(data, fingerprints, {
      onBound: (code) => this.bound(data, code),
      onAttack: () => {
        this.stop()
        this.handlers.onAttack()
      },
      onRefused: (code) => this.refuse(code),
      onLost: () => this.lost(),
    })
  }

  private bound(data: DataChannel, code: Promise<string>): void {
    const channel = new Channel(
      data,
      {
        onMessage: (message) => this.take(message),
        onRoundTrip: this.handlers.onRoundTrip,
        onLost: () => this.lost(),
      },
      this.options.clock,
    )
    this.channel = channel
    this.step({ type: 'bound' })
    void this.call?.road().then((road) => {
      if (this.channel !== channel) return
      this.known = road
      this.handlers.onConnection(this.connection)
    })
    void code.then((derived) => {
      if (this.channel === channel) this.handlers.onCode(derived)
    })
  }

  private take(message: FromHome): void {
    if (message.type === 'error' && message.code === 'unsupported_version') {
      return this.refuse(message.code)
    }
    this.handlers.onMessage(message)
    if (message.type !== 'welcome') return
    this.channel?.beat(message.heartbeat_s)
    this.step({ type: 'welcomed' })
    this.handlers.onWelcomed()
  }

  private refuse(code: ErrorCode): void {
    this.stop()
    this.handlers.onRefused(code)
  }

  private lost(): void {
    this.hangUp()
    this.step({ type: 'channel_lost' })
  }

  private hangUp(): void {
    this.opening?.stop()
    this.opening = null
    this.channel?.close()
    this.channel = null
    this.opened?.data.close()
    this.opened = null
    this.call?.hangUp()
    this.call = null
  }
}
