/** A WebSocket as a data channel: each binary message is a frame. */
import type { DataChannel } from './channel'
import type { Clock } from './clock'

/** A socket does not tell when its buffer has drained, so it is looked at while it is full. */
const lookMs = 10

/** The part of WebSocket that is used; tests bring their own. */
export interface BinarySocket {
  readonly bufferedAmount: number
  binaryType: BinaryType
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
  onopen: ((event: Event) => unknown) | null
  onmessage: ((event: MessageEvent) => unknown) | null
  onclose: ((event: CloseEvent) => unknown) | null
}

/** Takes an open socket over. */
export class SocketChannel implements DataChannel {
  bufferedAmountLowThreshold = 0
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: Event) => unknown) | null = null
  onbufferedamountlow: ((event: Event) => unknown) | null = null
  private timer: unknown = null

  constructor(
    private readonly socket: BinarySocket,
    private readonly clock: Clock,
  ) {
    socket.onmessage = (event) => this.onmessage?.(event)
    socket.onclose = (event) => {
      this.stopLooking()
      this.onclose?.(event)
    }
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.socket.send(data)
    if (this.isFull && this.timer === null) this.look()
  }

  close(): void {
    this.stopLooking()
    this.socket.close()
  }

  private get isFull(): boolean {
    return this.socket.bufferedAmount > this.bufferedAmountLowThreshold
  }

  private look(): void {
    this.timer = this.clock.after(lookMs, () => {
      this.timer = null
      if (this.isFull) this.look()
      else this.onbufferedamountlow?.(new Event('bufferedamountlow'))
    })
  }

  private stopLooking(): void {
    this.clock.cancel(this.timer)
    this.timer = null
  }
}
