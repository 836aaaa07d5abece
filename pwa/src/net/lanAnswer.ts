/** What the PC would answer, written by the device itself: RFC 8829, RFC 8839, RFC 8841. */
import { fromText } from '../protocol/base64'
import { decoder, ProtocolError } from '../protocol/decode'
import { type LanTicket, LanTicketShape } from '../protocol/generated'
import { isIpv4, isIpv6, isLocalName } from './addresses'

const decode = decoder<LanTicket>(LanTicketShape)

/** The largest message that the PC takes, in bytes. */
const maxMessageBytes = 262_144

/**
 * The answer of a PC that listens as the ticket says, to an offer of one data channel.
 *
 * The PC is an ICE-lite agent (RFC 8445, section 2.5), so that it only ever answers checks, and the
 * server of DTLS. What is no address and no name under `.local` is left out: no part of a ticket can
 * add a line.
 *
 * @param mid that the offer gave its one section
 * @throws {ProtocolError} malformed: the ticket cannot be dialed by.
 */
export function lanAnswer(ticket: LanTicket, mid: string): string {
  // A ticket is read from where it is kept, so it is held to its shape once more.
  // A PC names a few addresses; a search dials more at once.
  const { name, port, ufrag, password, fingerprint } = decode(JSON.stringify({ ...ticket, addresses: [] }))
  const hosts = ticket.addresses.filter((address) => isIpv4(address) || isIpv6(address))
  if (name && isLocalName(name)) hosts.push(name)
  if (hosts.length === 0 || !/^[\w-]{1,16}$/.test(mid)) {
    throw new ProtocolError('malformed', 'The ticket names nothing to dial.')
  }
  return [
    'v=0',
    'o=- 0 0 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${mid}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${password}`,
    `a=fingerprint:sha-256 ${hexOf(fingerprint)}`,
    'a=setup:passive',
    'a=sctp-port:5000',
    `a=max-message-size:${String(maxMessageBytes)}`,
    ...hosts.map((host, index) => candidate(host, port, index)),
    'a=end-of-candidates',
    '',
  ].join('\r\n')
}

/** A host candidate; the earlier, the more preferred (RFC 8445, section 5.1.2.1). */
function candidate(host: string, port: number, index: number): string {
  const priority = 126 * 2 ** 24 + (65_535 - index) * 2 ** 8 + 255
  return `a=candidate:${String(index + 1)} 1 udp ${String(priority)} ${host} ${String(port)} typ host`
}

function hexOf(fingerprint: string): string {
  const pairs = Array.from(fromText(fingerprint), (byte) => byte.toString(16).padStart(2, '0'))
  return pairs.join(':').toUpperCase()
}
