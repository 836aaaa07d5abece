import { describe, expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import { ProtocolError } from './decode'
import { Joiner, split } from './framing'
import { FRAME_BYTES, MESSAGE_BYTES } from './generated'

const piece = FRAME_BYTES - 1

function bytes(length: number): Uint8Array {
  const random = seeded(length)
  return Uint8Array.from({ length }, () => Math.floor(random() * 256))
}

function join(frames: Uint8Array[]): Uint8Array | null {
  const joiner = new Joiner()
  let message: Uint8Array | null = null
  for (const frame of frames) message = joiner.feed(frame)
  return message
}

describe('split and Joiner', () => {
  for (const length of [0, 1, piece - 1, piece, piece + 1, 2 * piece, MESSAGE_BYTES]) {
    it(`carries ${String(length)} bytes`, () => {
      const message = bytes(length)
      const frames = split(message)
      expect(frames).toHaveLength(Math.max(1, Math.ceil(length / piece)))
      expect(frames.every((frame) => frame.length <= FRAME_BYTES)).toBe(true)
      expect(Buffer.compare(join(frames)!, message)).toBe(0)
    })
  }

  it('does not split what is too long', () => {
    expect(() => split(new Uint8Array(MESSAGE_BYTES + 1))).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    )
  })

  it('loses one bad message and no other', () => {
    const joiner = new Joiner()
    const [first] = split(bytes(piece + 1))
    joiner.feed(first!)
    const long = split(bytes(piece + 5))
    expect(() => joiner.feed(long[0]!)).toThrow(ProtocolError)
    expect(joiner.feed(long[1]!)).toBeNull()
    expect(joiner.feed(split(bytes(3))[0]!)).toEqual(bytes(3))
  })

  it('refuses a message that never ends', () => {
    const joiner = new Joiner()
    const middle = new Uint8Array(FRAME_BYTES)
    const feedAll = () => {
      joiner.feed(Uint8Array.from([1, ...middle.subarray(1)]))
      for (let count = 0; count < 20; count++) joiner.feed(middle)
    }
    expect(feedAll).toThrow(expect.objectContaining({ code: 'too_large' }))
  })
})
