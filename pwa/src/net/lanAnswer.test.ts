import { describe, expect, it } from 'vitest'
import { ticket } from '../../tests/support/ticket'
import { fingerprints } from '../../tests/support/trust'
import { fingerprint } from '../trust/fingerprint'
import { lanAnswer } from './lanAnswer'

function lines(sdp: string, start: string): string[] {
  return sdp.split('\r\n').filter((line) => line.startsWith(start))
}

function hosts(changes: Partial<typeof ticket>): string[] {
  return lines(lanAnswer({ ...ticket, ...changes }, '0'), 'a=candidate').map(
    (line) => line.split(' ')[4]!,
  )
}

describe('the answer that a device writes itself', () => {
  const sdp = lanAnswer(ticket, 'data')

  it('is of an ICE-lite agent and DTLS server with the credentials of the ticket', () => {
    for (const line of [
      'a=ice-lite',
      'a=setup:passive',
      'a=mid:data',
      'a=group:BUNDLE data',
      'a=ice-ufrag:abcd',
      'a=ice-pwd:0123456789abcdefghij+/',
    ]) {
      expect(lines(sdp, line)).toEqual([line])
    }
  })

  it('has the one fingerprint of the ticket', () => {
    expect(fingerprint(sdp)).toEqual(fingerprints.home)
  })

  it('has a candidate for each address and the name, the first preferred', () => {
    expect(lines(sdp, 'a=candidate')).toEqual([
      'a=candidate:1 1 udp 2130706431 192.168.1.20 41234 typ host',
      'a=candidate:2 1 udp 2130706175 fd00::20 41234 typ host',
      'a=candidate:3 1 udp 2130705919 hearth-1.local 41234 typ host',
    ])
  })
})

describe('a ticket that is not right', () => {
  const injected = '10.0.0.1 1 typ host\r\na=x'

  it('adds no line by its addresses or its name', () => {
    expect(hosts({ addresses: ['10.0.0.1\r\na=x:y', 'evil.example', '10.0.0.2'] })).toEqual([
      '10.0.0.2',
      'hearth-1.local',
    ])
    expect(hosts({ name: 'x.local\r\na=x' })).toEqual(ticket.addresses)
    expect(hosts({ name: 'evil.example' })).toEqual(ticket.addresses)
  })

  it.each([
    ['port', { port: 0 }],
    ['port', { port: '1 typ host\r\na=x' as unknown as number }],
    ['ufrag', { ufrag: `abcd\r\n${injected}` }],
    ['password', { password: `${ticket.password}\r\na=x` }],
    ['fingerprint', { fingerprint: 'short' }],
    ['addresses', { addresses: [injected], name: null }],
  ])('is dialed by in no way: %s', (_, changes) => {
    expect(() => lanAnswer({ ...ticket, ...changes }, '0')).toThrow()
  })

  it('meets an offer whose section has a name that is no name', () => {
    expect(() => lanAnswer(ticket, '0\r\na=x')).toThrow()
  })
})
