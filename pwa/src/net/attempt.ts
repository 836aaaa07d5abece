/** One call from its dial to its end: opened, proved, greeted. Whoever has it says what comes next. */
import type { FromHome, LanTicket, RoadName, ToHome } from '../protocol/generated'
import type { ErrorCode } from '../protocol/generated'
import type { Fingerprints } from '../trust/transcript'
import { Channel, type DataChannel } from './channel'
import type { Clock } from './clock'
import type { Opening, Running } from './opening'
import type { Call, DialHandlers } from './road'

export interface AttemptHandlers {
  onOpened: () => void
  onBound: (ticket: LanTicket | null) => void
  onMessage: (message: FromHome) => void
  onRoundTrip: (ms: number) => void
  onQuiet: () => void
  onSpoke: () => void
  onCode: (code: string) => void
  onRefused: (code: ErrorCode) => void
  onAttack: () => void
  /** Told once, and not after `hangUp`. */
  onLost: () => void
}

export class Attempt {
  /** By which people can compare the two ends; null until it is derived. */
  code: string | null = null
  private call: Call | null = null
  /** Open, and perhaps not bound. */
  private opened: { data: DataChannel; fingerprints: Fingerprints } | null = null
  private opening: Running | null = null
  /** Bound. */
  private channel: Channel | null = null
  private over = false
  private isLost = false

  constructor(
    private readonly handlers: AttemptHandlers,
    private readonly clock: Clock,
  ) {}

  dial(dial: (handlers: DialHandlers) => Call): void {
    const call = dial({
      onOpen: (data, fingerprints) => {
        if (this.over || this.isLost) return data.close()
        this.opened = { data, fingerprints }
        this.handlers.onOpened()
      },
      onFailed: () => this.lose(),
    })
    if (this.over) call.hangUp()
    else this.call = call
  }

  prove(open: Opening): void {
    if (!this.opened) return
    const { data, fingerprints } = this.opened
    this.opening = open(data, fingerprints, {
      onBound: (code, ticket) => this.bound(data, code, ticket),
      onAttack: this.handlers.onAttack,
      onRefused: this.handlers.onRefused,
      onLost: () => this.lose(),
    })
  }

  async road(): Promise<RoadName | null> {
    return (await this.call?.road().catch(() => null)) ?? null
  }

  send(message: ToHome): void {
    this.channel?.send(message)
  }

  beat(intervalS: number): void {
    this.channel?.beat(intervalS)
  }

  probe(graceMs: number): void {
    this.channel?.probe(graceMs)
  }

  /** The end; whoever has it calls it once. */
  hangUp(): void {
    this.over = true
    this.opening?.stop()
    this.channel?.close()
    this.opened?.data.close()
    this.call?.hangUp()
  }

  private bound(data: DataChannel, code: Promise<string>, ticket: LanTicket | null): void {
    const { onMessage, onRoundTrip, onQuiet, onSpoke, onBound, onCode } = this.handlers
    const handlers = { onMessage, onRoundTrip, onQuiet, onSpoke, onLost: () => this.lose() }
    this.channel = new Channel(data, handlers, this.clock)
    onBound(ticket)
    void code.then((derived) => {
      if (this.over) return
      this.code = derived
      onCode(derived)
    })
  }

  private lose(): void {
    if (this.over || this.isLost) return
    this.isLost = true
    this.handlers.onLost()
  }
}
