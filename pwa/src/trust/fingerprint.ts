import { ProtocolError } from '../protocol/decode'
import type { Bytes } from './bytes'

const sha256 = /^a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/

/**
 * The one sha-256 fingerprint (RFC 8122, section 5) of a description, 32 bytes.
 *
 * Only of `localDescription` and `remoteDescription` after they are set: those are enforced, what
 * came over the VDS is not. Of several kinds a browser enforces one of its choice, so there is none
 * of another kind beside it.
 *
 * @throws {ProtocolError} malformed: none, another kind, several, or not of the form of one.
 */
export function fingerprint(sdp: string): Bytes {
  const lines = new Set(sdp.split(/[\r\n]+/).map((line) => line.trim().toLowerCase()))
  const found = [...lines].filter((line) => line.startsWith('a=fingerprint'))
  const hex = found.length === 1 ? sha256.exec(found[0] ?? '')?.[1] : undefined
  if (!hex) {
    const sentence = 'A connection has exactly one sha-256 fingerprint a side.'
    throw new ProtocolError('malformed', sentence)
  }
  return Uint8Array.from(hex.split(':'), (pair) => parseInt(pair, 16))
}
