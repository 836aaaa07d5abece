import type { DataChannel } from '../../src/net/channel'
import { Joiner, split } from '../../src/protocol/framing'
import type { FromHome, ToHome, TrustFromHome, TrustToHome } from '../../src/protocol/generated'

/** The PC's end of a channel, in the hands of a test. */
export class TestDataChannel implements DataChannel {
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  closed = false
  /** Whether what is sent leaves at once. */
  drains = true
  readonly frames: Uint8Array[] = []
  readonly received: (ToHome | TrustToHome)[] = []
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: Event) => unknown) | null = null
  onbufferedamountlow: ((event: Event) => unknown) | null = null
  private readonly joiner = new Joiner()

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.closed) throw new Error('InvalidStateError')
    this.frames.push(frame)
    if (!this.drains) this.bufferedAmount += frame.length
    const message = this.joiner.feed(frame)
    if (message) this.received.push(JSON.parse(new TextDecoder().decode(message)) as ToHome | TrustToHome)
  }

  close(): void {
    this.closed = true
  }

  /** The network took everything that was waiting. */
  drain(): void {
    this.bufferedAmount = 0
    this.onbufferedamountlow?.(new Event('bufferedamountlow'))
  }

  say(message: FromHome | TrustFromHome | Record<string, unknown>): void {
    for (const frame of split(new TextEncoder().encode(JSON.stringify(message)))) {
      this.deliver(frame.buffer)
    }
  }

  deliver(data: unknown): void {
    this.onmessage?.({ data } as MessageEvent)
  }

  types(): string[] {
    return this.received.map(({ type }) => type)
  }
}
