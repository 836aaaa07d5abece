/** The shell around the connection machine: carries its actions out and tells it what happens. */
import type { ErrorCode, FromHome, LanTicket, RoadName, ToHome } from '../protocol/generated'
import { Attempt } from './attempt'
import {
  type Action,
  type Connection,
  disconnected,
  type Input,
  nextDueMs,
  step,
} from './connection'
import type { Opening } from './opening'
import type { Dials } from './road'
import { lineNames, type Slot } from './tables'
import { Vds, type VdsOptions } from './vds'

/** A sign of life after a wake or a doubt comes within this, or the link is dead. */
const graceMs = 2_000

export interface LinkOptions extends VdsOptions {
  dials: Dials
  /** What comes first on a channel. Nothing of a chat is sent or understood before it is bound. */
  open: Opening
  /** The first message on a bound channel. */
  hello: () => ToHome
  /** The VDS answers, and knows who we are. */
  onReady?: () => void
  /** Whoever is connected next may be somebody else. */
  onStop?: () => void
}

export interface LinkHandlers {
  onConnection: (connection: Connection) => void
  /** Of the one in use, and of one that may be: what both say comes twice. */
  onMessage: (message: FromHome) => void
  /** The PC has welcomed us, here or over another road: what was not acknowledged may be sent. */
  onWelcomed: () => void
  onRoundTrip: (ms: number) => void
  onLoggedOut: () => void
  /** The code of the one in use, by which people can compare the two ends; null until it is there. */
  onCode: (code: string | null) => void
  /** How the PC can be dialed with no server between, as it says itself. */
  onTicket: (ticket: LanTicket | null) => void
  /** The link has stopped: the two ends cannot speak, and trying again would not help. */
  onRefused: (code: ErrorCode) => void
  /** The link has stopped: whoever answered is not the home that was paired. */
  onAttack: () => void
}

export interface Link {
  /** @param inTurn one line at a time, for what may be done only once */
  start(inTurn?: boolean): void
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
  private readonly vds: Vds
  private readonly attempts = new Map<Slot, Attempt>()
  /** Was in use, until another took its place just now. */
  private replaced: Attempt | null = null
  private dueTimer: unknown = null
  /** Each is a thing that happened; null when it is of no matter any more. */
  private readonly inputs: (() => Input | null)[] = []
  private isStepping = false

  constructor(
    private readonly options: LinkOptions,
    private readonly handlers: LinkHandlers,
  ) {
    this.vds = new Vds(options, {
      onReady: () => {
        this.options.onReady?.()
        this.step({ type: 'socket_ready' })
      },
      onClosed: () => this.step({ type: 'socket_closed' }),
      onHome: (home) =>
        this.step(home === null ? { type: 'home_left' } : { type: 'home_found', home }),
      onLoggedOut: handlers.onLoggedOut,
      onUnsupported: () => this.refuse('unsupported_version'),
      onUnreachable: () => {
        if (this.connection.lines.signaled.state === 'dialing') {
          this.step({ type: 'lost', on: 'signaled' })
        }
      },
    })
  }

  start(inTurn = false): void {
    this.step({ type: 'start', inTurn })
  }

  stop(): void {
    this.options.onStop?.()
    this.step({ type: 'stop' })
  }

  wake(): void {
    this.step({ type: 'wake' })
  }

  send(message: ToHome): void {
    this.attempts.get('link')?.send(message)
  }

  resync(): void {
    this.step({ type: 'lost', on: 'link' })
  }

  private step(input: Input): void {
    this.happen(() => input)
  }

  /** One thing after the other: what an action brings about comes after the actions beside it. */
  private happen(input: () => Input | null): void {
    this.inputs.push(input)
    if (this.isStepping) return
    this.isStepping = true
    for (let next = this.inputs.shift(); next; next = this.inputs.shift()) {
      const happened = next()
      if (happened) this.stepNow(happened)
    }
    this.isStepping = false
  }

  private stepNow(input: Input): void {
    const { clock } = this.options
    const before = this.connection
    const { connection, actions } = step(before, input, clock.now(), clock.random())
    this.connection = connection
    for (const action of actions) this.act(action)
    this.scheduleDue()
    if (connection !== before) this.handlers.onConnection(connection)
    if (connection.link.turn !== before.link.turn) this.handOver()
  }

  private scheduleDue(): void {
    const { clock } = this.options
    clock.cancel(this.dueTimer)
    const due = nextDueMs(this.connection)
    const waitMs = due === null ? null : Math.max(0, due - clock.now())
    this.dueTimer = waitMs === null ? null : clock.after(waitMs, () => this.step({ type: 'due' }))
  }

  private act(action: Action): void {
    if (action.on === 'socket') {
      if (action.do === 'open') void this.vds.open()
      else this.vds[action.do]()
      return
    }
    const attempt = this.attempts.get(action.on)
    switch (action.do) {
      case 'dial':
        return this.dial(action.on)
      case 'prove':
        return attempt?.prove(this.options.open)
      case 'greet':
        return attempt?.send(this.options.hello())
      case 'ask_road':
        return void this.askRoad(attempt)
      case 'use':
        return this.use(action.on)
      case 'probe':
        return attempt?.probe(graceMs)
      case 'hang_up':
        this.attempts.delete(action.on)
        return attempt?.hangUp()
    }
  }

  private dial(slot: Slot): void {
    if (slot === 'link') return
    const { clock, dials } = this.options
    const tell = (type: 'opened' | 'welcomed' | 'lost' | 'quiet' | 'spoke') =>
      this.tell(attempt, (on) => ({ type, on }))
    const attempt: Attempt = new Attempt(
      {
        onOpened: () => tell('opened'),
        onBound: (ticket) => {
          this.handlers.onTicket(ticket)
          this.tell(attempt, (on) => ({ type: 'bound', on }))
        },
        onMessage: (message) => this.take(attempt, message),
        onRoundTrip: (ms) => {
          if (this.isInUse(attempt)) this.handlers.onRoundTrip(ms)
        },
        onQuiet: () => tell('quiet'),
        onSpoke: () => tell('spoke'),
        onCode: (code) => {
          if (this.isInUse(attempt)) this.handlers.onCode(code)
        },
        onRefused: (code) => this.refuse(code),
        onAttack: () => {
          this.stop()
          this.handlers.onAttack()
        },
        onLost: () => tell('lost'),
      },
      clock,
    )
    this.attempts.set(slot, attempt)
    attempt.dial((handlers) =>
      slot === 'direct' ? dials.direct(handlers) : dials.signaled(this.vds, handlers),
    )
  }

  /** Hands in what happened to a call, by the place that it has by then. */
  private tell(attempt: Attempt, input: (on: Slot) => Input): void {
    this.happen(() => {
      const slot = this.slotOf(attempt)
      return slot && input(slot)
    })
  }

  private slotOf(attempt: Attempt): Slot | null {
    const slots: readonly Slot[] = ['link', ...lineNames]
    return slots.find((slot) => this.attempts.get(slot) === attempt) ?? null
  }

  private isInUse(attempt: Attempt): boolean {
    return this.attempts.get('link') === attempt
  }

  private take(attempt: Attempt, message: FromHome): void {
    if (message.type === 'error' && message.code === 'unsupported_version') {
      return this.refuse(message.code)
    }
    this.handlers.onMessage(message)
    if (message.type !== 'welcome') return
    attempt.beat(message.heartbeat_s)
    this.tell(attempt, (on) => ({ type: 'welcomed', on }))
  }

  private async askRoad(attempt: Attempt | undefined): Promise<void> {
    if (!attempt) return
    const road: RoadName | null = await attempt.road()
    this.tell(attempt, (on) => ({ type: 'told', on, road }))
  }

  private use(slot: Slot): void {
    const attempt = this.attempts.get(slot)
    if (!attempt) return
    this.replaced = this.attempts.get('link') ?? null
    this.attempts.delete(slot)
    this.attempts.set('link', attempt)
  }

  /** What was not acknowledged is on the new road before the old one ends. */
  private handOver(): void {
    this.handlers.onCode(this.attempts.get('link')?.code ?? null)
    this.handlers.onWelcomed()
    this.replaced?.hangUp()
    this.replaced = null
  }

  private refuse(code: ErrorCode): void {
    this.stop()
    this.handlers.onRefused(code)
  }
}
