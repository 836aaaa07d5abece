import { describe, expect, it } from 'vitest'
import { hostsOf, networkOf, networksToSweep } from './networks'

describe('networks to look in', () => {
  it('are first those that the PC was last in, once each, then usual ones', () => {
    const addresses = ['192.168.0.20', 'fd00::20', '192.168.0.21', '203.0.113.5', '10.7.7.7']
    expect(networksToSweep(addresses)).toEqual(['192.168.0', '10.7.7', '192.168.1', '10.0.0'])
  })

  it('are the usual ones where nothing is known', () => {
    expect(networksToSweep([])).toEqual(['192.168.1', '192.168.0', '10.0.0'])
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
    expect(networkOf(text)).toBe('192.168.5')
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
    expect(networkOf(text)).toBeNull()
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
