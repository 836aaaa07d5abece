/** Both languages are held to the same messages and frames; this is TypeScript's side. */
import { describe, expect, it } from 'vitest'
import frames from '../../../protocol/vectors/frames.json'
import messages from '../../../protocol/vectors/messages.json'
import { decoder, ProtocolError } from './decode'
import { Joiner } from './framing'
import {
  CredentialsShape,
  FromHomeShape,
  FromVdsShape,
  RegistrationShape,
  ToHomeShape,
  ToVdsShape,
  TrustFromHomeShape,
  TrustToHomeShape,
} from './generated'

const roads: Record<string, (data: string | Uint8Array) => unknown> = {
  to_vds: decoder(ToVdsShape),
  from_vds: decoder(FromVdsShape),
  to_home: decoder(ToHomeShape),
  from_home: decoder(FromHomeShape),
  trust_to_home: decoder(TrustToHomeShape),
  trust_from_home: decoder(TrustFromHomeShape),
  registration: decoder(RegistrationShape),
  credentials: decoder(CredentialsShape),
}

interface Case {
  road: string
  name: string
  text?: string
  hex?: string
  repeat?: (string | number)[]
}

function textOf({ text = '', repeat }: Case): string {
  const [unit, times] = repeat ?? ['', 0]
  return text.replace('{repeat}', String(unit).repeat(Number(times)))
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
  return undefined
}

describe('messages', () => {
  for (const vector of messages.valid as Case[]) {
    it(`takes ${vector.road}: ${vector.name}`, () => {
      const text = textOf(vector)
      expect(roads[vector.road]!(text)).toEqual(JSON.parse(text))
      expect(roads[vector.road]!(new TextEncoder().encode(text))).toEqual(JSON.parse(text))
    })
  }
  for (const vector of messages.invalid as (Case & { code: string })[]) {
    it(`refuses ${vector.road}: ${vector.name}`, () => {
      const data = vector.hex ? bytesOf(vector.hex) : textOf(vector)
      expect(codeOf(() => roads[vector.road]!(data))).toBe(vector.code)
    })
  }
})

describe('frames', () => {
  for (const { name, frames: fed, outcomes } of frames.cases) {
    it(`joins ${name}`, () => {
      const joiner = new Joiner()
      fed.forEach((frame, index) => {
        const data = new Uint8Array(frame ? frame.length + 1 : 0)
        if (frame) data.fill(parseInt(frame.fill, 16)).set([frame.flags])
        const outcome = outcomes[index] as { length?: number; error?: string } | null
        let message: Uint8Array | null | undefined
        const code = codeOf(() => (message = joiner.feed(data)))
        expect(code).toBe(outcome?.error)
        if (code === undefined) expect(message?.length).toBe(outcome?.length)
      })
    })
  }
})
