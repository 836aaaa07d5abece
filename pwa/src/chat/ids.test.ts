import { expect, it } from 'vitest'
import { decoder } from '../protocol/decode'
import { CommandShape } from '../protocol/generated'
import { uuidv7 } from './ids'

const ones = (bytes: Uint8Array) => bytes.fill(0xff)
const zeros = (bytes: Uint8Array) => bytes.fill(0)

it('is the example of RFC 9562, appendix A.6, where the random bits are clear', () => {
  expect(uuidv7(0x017f22e279b0, zeros)).toBe('017f22e2-79b0-7000-8000-000000000000')
})

it('is taken by the wire, whatever the random bits', () => {
  for (const random of [ones, zeros]) {
    const id = uuidv7(Date.UTC(2026, 10, 22), random)
    const command = { type: 'delete_chat', id, chat: id }
    expect(() => decoder(CommandShape)(JSON.stringify(command))).not.toThrow()
  }
})

it('sorts by time', () => {
  expect(uuidv7(1_000, ones) < uuidv7(1_001, zeros)).toBe(true)
})
