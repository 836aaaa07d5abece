import { describe, expect, it } from 'vitest'
import { ticket } from '../../tests/support/ticket'
import { guessNetworks, hostsOf, readNetwork } from './networks'

describe('networks to look in', () => {
  it('are first those that the PC was last in, once each', () => {
    const addresses = ['192.168.1.20', '192.168.1.21', 'fd00::20', '203.0.113.5', '10.7.7.7']
    const { known, common } = guessNetworks({ ...ticket, addresses })
    expect(known).toEqual(['192.168.1', '10.7.7'])
    expect(common).toContain('192.168.0')
    expect(common).not.toContain('192.168.1')
  })

  it('are none but common ones without a ticket', () => {
    expect(guessNetworks(null).known).toEqual([])
    expect(guessNetworks(null).common).toContain('192.168.1')
  })
})

describe('what a person typed', () => {
  it.each([
    '192.168.5',
    '192.168.5.',
    ' 192.168.5.17 ',
    '192.168.5.0/24',
    '192.168.5/24',
    '192.168.5.*',
    '192.168.5.x',
  ])('is a network: %j', (text) => {
    expect(readNetwork(text)).toBe('192.168.5')
  })

  it.each([
    '',
    '192.168',
    '192.168.256',
    '192.168.5.0/16',
    '192.168.5.0/24/24',
    '8.8.8.8',
    '127.0.0.1',
    'fd00::1',
    'home',
    '192.168.5.1.1',
  ])('is none: %j', (text) => {
    expect(readNetwork(text)).toBeNull()
  })
})

describe('the hosts of a network', () => {
  it('are 254', () => {
    const hosts = hostsOf('10.0.0')
    expect([hosts.length, hosts[0], hosts[253]]).toEqual([254, '10.0.0.1', '10.0.0.254'])
  })

  it.each(['8.8.8', '10.0', '10.0.0.0', 'x'])('are none of %s', (network) => {
    expect(hostsOf(network)).toEqual([])
  })
})
