/** One data channel as messages: framing, flow control, heartbeat. */
import { ProtocolError } from '../protocol/decode'
import { type FromHome, FromHomeShape, type ToHome } from '../protocol/generated'
import type { Clock } from './clock'
import { framesOf, Reader } from './frames'
import { Heartbeat } from './heartbeat'
import { bufferBytes, SendQueue } from './sendQueue'

/** The part of RTCDataChannel that is used; tests bring their own. */
export interface DataChannel {
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
  onmessage: ((event: MessageEvent) => unknown) | null
  onclose: ((event: Event) => unknown) | null
  onbufferedamountlow: ((event: Event) => unknown) | null
}

export interface ChannelHandlers {
  onMessage: (message: FromHome) => void
  onRoundTrip: (ms: number) => void
  /** The other end has been silent for so long that it may be gone; and that it was not. */
  onQuiet: () => void
  onSpoke: () => void
  /** The channel is of no more use. Told once, and not after `close`. */
  onLost: () => void
}

export class Channel {
  private readonly reader = new Reader<FromHome>(FromHomeShape)
  private readonly queue: SendQueue
  private heartbeat: Heartbeat | null = null
  private timer: unknown = null
  private over = false

  constructor(
    private readonly data: DataChannel,
    private readonly handlers: ChannelHandlers,
    private readonly clock: Clock,
  ) {
    this.queue = new SendQueue(data)
    data.bufferedAmountLowThreshold = bufferBytes / 2
    data.onbufferedamountlow = () => this.guarded(() => this.queue.flush())
    data.onmessage = ({ data: frame }) => this.feed(frame)
    data.onclose = () => this.lose()
  }

  send(message: ToHome): void {
    const frames = framesOf(message)
    const urgent = message.type === 'heartbeat' || message.type === 'alive'
    this.guarded(() => this.queue.put(frames, urgent))
  }

  /** From now on silence is watched for, as the PC's welcome asks. */
  beat(intervalS: number): void {
    if (this.over || intervalS <= 0) return
    this.heartbeat = new Heartbeat(intervalS * 1000, this.clock.now())
    this.tick()
  }

  /** Asks at once whether the other end is there, and does not wait long for the answer. */
  probe(graceMs: number): void {
    if (this.over) return
    this.heartbeat?.doubt(this.clock.now(), graceMs)
    this.tick()
  }

  close(): void {
    if (this.over) return
    this.over = true
    this.clock.cancel(this.timer)
    this.data.onmessage = this.data.onclose = this.data.onbufferedamountlow = null
    this.data.close()
  }

  private feed(frame: unknown): void {
    if (this.over) return
    if (this.heartbeat?.heard(this.clock.now())) this.handlers.onSpoke()
    let message: FromHome | null
    try {
      message = this.reader.read(frame)
    } catch (error) {
      // A newer PC may say what we do not know. Anything else may have been something we need:
      // a new connection asks for it again.
      if (!(error instanceof ProtocolError && error.code === 'unknown_type')) this.lose()
      return
    }
    if (message) this.take(message)
  }

  private take(message: FromHome): void {
    if (message.type === 'heartbeat') this.send({ type: 'alive', sent_ms: message.sent_ms })
    else if (message.type === 'alive') this.measure(this.clock.now() - message.sent_ms)
    else this.handlers.onMessage(message)
  }

  private measure(roundTripMs: number): void {
    this.heartbeat?.answered(roundTripMs)
    this.handlers.onRoundTrip(roundTripMs)
  }

  private tick(): void {
    while (this.heartbeat && !this.over) {
      const now = this.clock.now()
      switch (this.heartbeat.tick(now)) {
        case 'dead':
          return this.lose()
        case 'silent':
          this.handlers.onQuiet()
          break
        case 'ask':
          this.send({ type: 'heartbeat', sent_ms: Math.round(now) })
          break
        case null:
          this.clock.cancel(this.timer)
          this.timer = this.clock.after(this.heartbeat.nextMs - now, () => this.tick())
          return
      }
    }
  }

  /** A browser throws when a channel has just closed under us; it is lost, no more. */
  private guarded(action: () => void): void {
    if (this.over) return
    try {
      action()
    } catch {
      this.lose()
    }
  }

  private lose(): void {
    if (this.over) return
    this.close()
    this.handlers.onLost()
  }
}
