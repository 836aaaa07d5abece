import type { BinarySocket } from '../../src/net/socketChannel'

/** The door's end of a socket on the PC itself, in the hands of a test. */
export class TestBinarySocket implements BinarySocket {
  binaryType: BinaryType = 'blob'
  bufferedAmount = 0
  closed = false
  readonly frames: Uint8Array[] = []
  onopen: ((event: Event) => unknown) | null = null
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: CloseEvent) => unknown) | null = null

  constructor(readonly address = '') {}

  /** Nothing leaves before a test empties the buffer. */
  send(frame: Uint8Array<ArrayBuffer>): void {
    this.frames.push(frame)
    this.bufferedAmount += frame.length
  }

  close(): void {
    this.closed = true
  }

  open(): void {
    this.onopen?.(new Event('open'))
  }

  break(): void {
    this.onclose?.(new Event('close') as CloseEvent)
  }
}
