/**
 * What the two ends of a connection sign, and the ids and codes that both derive: the twin of
 * `protocol/transcript.py`, where each field is described.
 */
import { type Bytes, concat } from './bytes'
import { toCharacters } from './crockford'

export const NONCE_BYTES = 32
/** 80 bits: sixteen characters that can be typed. */
export const SECRET_BYTES = 10
/** 40 bits: eight characters that people compare. */
const CODE_BYTES = 5

export type Role = 'home' | 'device'
export type Purpose = 'hearth-bind-v1' | 'hearth-pair-secret-v1' | 'hearth-pair-compare-v1'

export interface Transcript {
  readonly purpose: Purpose
  readonly version: number
  readonly homeKey: Bytes
  readonly deviceKey: Bytes
  readonly homeFingerprint: Bytes
  readonly deviceFingerprint: Bytes
  readonly homeNonce: Bytes
  readonly commitment: Bytes
}

/** SHA-256 of both ends' certificates, from the enforced descriptions. */
export interface Fingerprints {
  readonly home: Bytes
  readonly device: Bytes
}

/** The bytes that the end in this role signs, and makes its MAC over. */
export function transcriptOf(transcript: Transcript, role: Role): Bytes {
  return fields(transcript, role)
}

/** The bytes whose hash is the code. They name a role that nobody signs in. */
export function codeInput(transcript: Transcript, deviceNonce: Bytes): Bytes {
  return fields(transcript, 'code', deviceNonce)
}

/** The eight characters that both screens show. */
export async function code(transcript: Transcript, deviceNonce: Bytes): Promise<string> {
  const digest = await sha256(codeInput(transcript, deviceNonce))
  return toCharacters(digest.subarray(0, CODE_BYTES))
}

/** What binds a device to its nonce without showing it. */
export function commitment(deviceKey: Bytes, deviceNonce: Bytes): Promise<Bytes> {
  return sha256(lengthPrefixed(ascii('hearth-commit-v1'), deviceKey, deviceNonce))
}

/** The 32 hexadecimal digits that name a home or a device by its public key. */
export async function keyId(key: Bytes): Promise<string> {
  const digest = (await sha256(key)).subarray(0, 16)
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The HMAC-SHA-256 (RFC 2104) that proves knowledge of a pairing's secret. */
export async function mac(secret: Bytes, transcript: Bytes): Promise<Bytes> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, transcript))
}

/** What stands for a DTLS fingerprint on the socket of 127.0.0.1, where there is no certificate. */
export function loopbackFingerprint(role: Role, port: number): Promise<Bytes> {
  return sha256(Uint8Array.from(ascii(`hearth-loopback-v1 ${role} 127.0.0.1:${String(port)}`)))
}

/** Joins fields so that they can be told apart again: each after its length in two bytes. */
export function lengthPrefixed(...parts: Uint8Array[]): Bytes {
  return concat(...parts.flatMap((part) => [uint16(part.length), part]))
}

function fields(transcript: Transcript, role: Role | 'code', ...more: Bytes[]): Bytes {
  return lengthPrefixed(
    ascii(transcript.purpose),
    ascii(role),
    uint16(transcript.version),
    transcript.homeKey,
    transcript.deviceKey,
    transcript.homeFingerprint,
    transcript.deviceFingerprint,
    transcript.homeNonce,
    transcript.commitment,
    ...more,
  )
}

function uint16(value: number): Bytes {
  return Uint8Array.of(value >> 8, value & 255)
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function sha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data))
}
