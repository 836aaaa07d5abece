import { toText } from '../../src/protocol/base64'
import type { LanTicket } from '../../src/protocol/generated'
import { fingerprints } from './trust'

/** All that a device needs to dial the home of `trust.ts`. */
export const ticket: LanTicket = {
  addresses: ['192.168.1.20', 'fd00::20'],
  name: 'hearth-1.local',
  port: 41234,
  ufrag: 'abcd',
  password: '0123456789abcdefghij+/',
  fingerprint: toText(fingerprints.home),
}
