/** Messages as the frames of a data channel, and back. */
import { decoder, ProtocolError } from '../protocol/decode'
import { Joiner, split } from '../protocol/framing'
import type { Shape } from '../protocol/shape'

const utf8 = new TextEncoder()

/** @throws {ProtocolError} too_large: the message is longer than a channel carries. */
export function framesOf(message: object): Uint8Array<ArrayBuffer>[] {
  return split(utf8.encode(JSON.stringify(message)))
}

/** Reads one direction of one channel, and understands the messages of one kind only. */
export class Reader<T> {
  private readonly joiner = new Joiner()
  private readonly decode: (data: Uint8Array) => T

  constructor(shape: Shape) {
    this.decode = decoder<T>(shape)
  }

  /**
   * Takes what the channel brought; gives the message if this was its last frame, else null.
   *
   * @throws {ProtocolError} it is no frame, or no message of this kind.
   */
  read(frame: unknown): T | null {
    if (!(frame instanceof ArrayBuffer)) throw new ProtocolError('malformed', 'Not a frame.')
    const joined = this.joiner.feed(new Uint8Array(frame))
    return joined && this.decode(joined)
  }
}
