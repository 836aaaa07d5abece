/** Long messages on a data channel, split into frames and joined again: `protocol/framing.py`. */
import { ProtocolError } from './decode'
import { FRAME_BYTES, MESSAGE_BYTES } from './generated'

const FIRST = 0b01
const LAST = 0b10
const PIECE = FRAME_BYTES - 1

/**
 * Splits a message of at most MESSAGE_BYTES into frames of at most FRAME_BYTES.
 *
 * @throws {ProtocolError} too_large: the message is longer than a channel carries.
 */
export function split(message: Uint8Array): Uint8Array<ArrayBuffer>[] {
  if (message.length > MESSAGE_BYTES) throw tooLarge()
  const frames: Uint8Array<ArrayBuffer>[] = []
  for (let start = 0; start < Math.max(message.length, 1); start += PIECE) {
    const piece = message.subarray(start, start + PIECE)
    const frame = new Uint8Array(piece.length + 1)
    frame[0] = (start === 0 ? FIRST : 0) | (start + PIECE >= message.length ? LAST : 0)
    frame.set(piece, 1)
    frames.push(frame)
  }
  return frames
}

/**
 * Joins the frames of one direction of one channel.
 *
 * After an error the rest of the bad message is passed over in silence, and the next message is
 * taken as if nothing had been: one bad message costs itself and no other.
 */
export class Joiner {
  private parts: Uint8Array[] = []
  private size = 0
  private skipping = false

  /**
   * Takes one frame; gives the message if this was its last, else null.
   *
   * @throws {ProtocolError} malformed: no header, unknown flags, or a piece of no message.
   * @throws {ProtocolError} too_large: the message or the frame grew beyond its limit.
   */
  feed(frame: Uint8Array): Uint8Array | null {
    const flags = frame[0] ?? 0
    const first = (flags & FIRST) !== 0
    const last = (flags & LAST) !== 0
    if (first) {
      const unfinished = this.parts.length > 0
      this.reset()
      if (unfinished) {
        throw this.skipUnless(last, malformed('A message began before the one before it had ended.'))
      }
    } else if (this.skipping) {
      this.skipping = !last
      return null
    }
    const unknown = frame.length === 0 || (flags & ~(FIRST | LAST)) !== 0
    if (unknown || (!first && this.parts.length === 0)) {
      throw this.skipUnless(last, malformed('A frame belongs to no message.'))
    }
    this.size += frame.length - 1
    if (frame.length > FRAME_BYTES || this.size > MESSAGE_BYTES) {
      throw this.skipUnless(last, tooLarge())
    }
    this.parts.push(frame.subarray(1))
    return last ? this.take() : null
  }

  private take(): Uint8Array {
    const message = new Uint8Array(this.size)
    let offset = 0
    for (const part of this.parts) {
      message.set(part, offset)
      offset += part.length
    }
    this.reset()
    return message
  }

  private reset(): void {
    this.parts = []
    this.size = 0
    this.skipping = false
  }

  private skipUnless(last: boolean, error: ProtocolError): ProtocolError {
    this.reset()
    this.skipping = !last
    return error
  }
}

function malformed(sentence: string): ProtocolError {
  return new ProtocolError('malformed', sentence)
}

function tooLarge(): ProtocolError {
  return new ProtocolError(
    'too_large',
    `A message holds at most ${String(MESSAGE_BYTES)} bytes. Send less at once.`,
  )
}
