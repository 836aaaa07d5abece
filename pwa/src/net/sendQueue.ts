/** Frames on their way out, never more than a little ahead of the network. */

/** More than this in the browser's own queue delays whatever comes after it. */
export const bufferBytes = 16_384

export interface Sink {
  readonly bufferedAmount: number
  send(frame: Uint8Array<ArrayBuffer>): void
}

type Frames = Uint8Array<ArrayBuffer>[]

export class SendQueue {
  /** The frames of one message are never mixed with another's: this one is on its way. */
  private current: Frames = []
  private readonly urgent: Frames[] = []
  private readonly ordinary: Frames[] = []

  constructor(private readonly sink: Sink) {}

  /** @param urgent goes before everything that has not begun yet */
  put(frames: Frames, urgent = false): void {
    ;(urgent ? this.urgent : this.ordinary).push([...frames])
    this.flush()
  }

  /** Sends as much as the buffer takes; to be called again when it has drained. */
  flush(): void {
    while (this.sink.bufferedAmount < bufferBytes) {
      if (this.current.length === 0) this.current = this.urgent.shift() ?? this.ordinary.shift() ?? []
      const frame = this.current.shift()
      if (!frame) return
      this.sink.send(frame)
    }
  }
}
