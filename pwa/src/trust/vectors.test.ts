/** Both languages are held to the same bytes of trust; this is TypeScript's side. */
import { describe, expect, it } from 'vitest'
import vectors from '../../../protocol/vectors/trust.json'
import { fromText, toText } from '../protocol/base64'
import { ProtocolError } from '../protocol/decode'
import { bytesOf, hexOf, withoutEd25519 } from '../../tests/support/trust'
import type { Bytes } from './bytes'
import { fromCharacters, toCharacters } from './crockford'
import { fingerprint } from './fingerprint'
import { verify } from './keys'
import {
  code,
  codeInput,
  commitment,
  keyId,
  loopbackFingerprint,
  mac,
  type Purpose,
  type Role,
  type Transcript,
  transcriptOf,
} from './transcript'

type Told = (typeof vectors.transcripts)[number]

function transcriptFrom({ fields }: Told): Transcript {
  return {
    purpose: fields.purpose as Purpose,
    version: fields.version,
    homeKey: bytesOf(fields.home_key),
    deviceKey: bytesOf(fields.device_key),
    homeFingerprint: bytesOf(fields.home_fingerprint),
    deviceFingerprint: bytesOf(fields.device_fingerprint),
    homeNonce: bytesOf(fields.home_nonce),
    commitment: bytesOf(fields.commitment),
  }
}

function flip(bytes: Bytes, bit: number): Bytes {
  const changed = bytes.slice()
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return changed
}

/** The transcript with one bit of one field flipped, at every place; Python's side flips all. */
function* flipped(transcript: Transcript): Generator<[string, Transcript]> {
  const purposes: Purpose[] = ['hearth-bind-v1', 'hearth-pair-secret-v1', 'hearth-pair-compare-v1']
  for (const purpose of purposes) {
    if (purpose !== transcript.purpose) yield ['purpose', { ...transcript, purpose }]
  }
  for (let bit = 0; bit < 16; bit++) {
    yield ['version', { ...transcript, version: transcript.version ^ (1 << bit) }]
  }
  for (const [name, value] of Object.entries(transcript)) {
    if (!(value instanceof Uint8Array)) continue
    for (let bit = 0; bit < value.length * 8; bit += 5) {
      yield [name, { ...transcript, [name]: flip(value as Bytes, bit) }]
    }
  }
}

describe.each(vectors.transcripts)('$name', (told) => {
  const transcript = transcriptFrom(told)
  const nonce = bytesOf(told.device_nonce)
  const secret = bytesOf(told.secret)

  it('has the same transcripts, codes and MACs', async () => {
    expect(hexOf(transcriptOf(transcript, 'home'))).toBe(told.home)
    expect(hexOf(transcriptOf(transcript, 'device'))).toBe(told.device)
    expect(hexOf(codeInput(transcript, nonce))).toBe(told.code_input)
    expect(await code(transcript, nonce)).toBe(told.code)
    expect(await commitment(transcript.deviceKey, nonce)).toEqual(transcript.commitment)
    expect(hexOf(await mac(secret, transcriptOf(transcript, 'home')))).toBe(told.home_mac)
    expect(hexOf(await mac(secret, transcriptOf(transcript, 'device')))).toBe(told.device_mac)
  })

  it('has other signatures, codes and MACs with a flipped bit in any field', async () => {
    const signatures = [
      [transcript.homeKey, bytesOf(told.home_signature), 'home'],
      [transcript.deviceKey, bytesOf(told.device_signature), 'device'],
    ] as const
    for (const [key, signature, role] of signatures) {
      expect(await verify(key, signature, transcriptOf(transcript, role))).toBe(true)
      const other = role === 'home' ? 'device' : 'home'
      expect(await verify(key, signature, transcriptOf(transcript, other)), 'role').toBe(false)
    }
    const seen = new Set<string>()
    for (const [name, other] of flipped(transcript)) {
      seen.add(name)
      for (const [key, signature, role] of signatures) {
        expect(await verify(key, signature, transcriptOf(other, role)), name).toBe(false)
      }
      expect(await code(other, nonce), name).not.toBe(told.code)
      expect(hexOf(await mac(secret, transcriptOf(other, 'home'))), name).not.toBe(told.home_mac)
    }
    expect([...seen].sort()).toEqual(Object.keys(transcript).sort())
    for (let bit = 0; bit < 256; bit += 5) {
      expect(await code(transcript, flip(nonce, bit))).not.toBe(told.code)
    }
  })
})

describe.each([
  ['as this browser verifies', crypto.subtle],
  ['where the browser has no Ed25519', withoutEd25519],
])('signatures, %s', (_, subtle) => {
  it.each(vectors.signatures)('$name: $valid', async ({ key, signature, data, valid }) => {
    expect(await verify(bytesOf(key), bytesOf(signature), bytesOf(data), subtle)).toBe(valid)
  })

  it('of a transcript fit, and not with a flipped bit', async () => {
    for (const told of vectors.transcripts) {
      const [key, data] = [bytesOf(told.fields.home_key), bytesOf(told.home)]
      const signature = bytesOf(told.home_signature)
      expect(await verify(key, signature, data, subtle)).toBe(true)
      for (const bit of [0, 77, 255, 256, 300, 505, 511]) {
        expect(await verify(key, flip(signature, bit), data, subtle)).toBe(false)
        expect(await verify(flip(key, bit % 256), signature, data, subtle)).toBe(false)
        expect(await verify(key, signature, flip(data, bit), subtle)).toBe(false)
      }
    }
  })
})

it.each(vectors.loopback)('binds the loopback socket of $port, $role', async (told) => {
  const made = await loopbackFingerprint(told.role as Role, told.port)
  expect(hexOf(made)).toBe(told.fingerprint)
})

it.each(vectors.ids)('names the key of $name', async ({ key, id }) => {
  expect(await keyId(bytesOf(key))).toBe(id)
})

it.each(vectors.typed)('reads $text', ({ text, bytes }) => {
  const read = fromCharacters(text, 10)
  expect(read && hexOf(read)).toBe(bytes)
  if (read) expect(fromCharacters(toCharacters(read), 10)).toEqual(read)
})

it('writes a secret as people type it', () => {
  const [first] = vectors.typed
  expect(toCharacters(bytesOf(first!.bytes!))).toBe(first!.text)
})

it.each(vectors.base64url)('writes bytes as $text', ({ bytes, text }) => {
  expect(toText(bytesOf(bytes))).toBe(text)
  expect(hexOf(fromText(text))).toBe(bytes)
})

it.each(vectors.fingerprints)('takes a fingerprint: $name', ({ sdp, fingerprint: known }) => {
  if (known !== null) expect(hexOf(fingerprint(sdp))).toBe(known)
  else expect(() => fingerprint(sdp)).toThrow(ProtocolError)
})
