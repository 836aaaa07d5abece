import { describe, expect, it } from 'vitest'
import { isIpv4, isIpv6, isLocalName, isPrivate } from './addresses'

describe('an IPv4 address', () => {
  it.each(['0.0.0.0', '192.168.1.20', '255.255.255.255'])('is %s', (text) => {
    expect(isIpv4(text)).toBe(true)
  })

  it.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.4.', '1.2.3.4\n', ' 1.2.3.4'])(
    'is not %j',
    (text) => {
      expect(isIpv4(text)).toBe(false)
    },
  )
})

describe('an IPv6 address', () => {
  it.each(['::1', 'fd00::20', '2001:db8::FFFF', '::ffff:10.0.0.1'])('is %s', (text) => {
    expect(isIpv6(text)).toBe(true)
  })

  it.each(['', ':', '1.2.3.4', 'fe80::1%eth0', 'fd00:::1', '::1]/[', '::1\r\n', '[::1]'])(
    'is not %j',
    (text) => {
      expect(isIpv6(text)).toBe(false)
    },
  )
})

describe('a name under .local', () => {
  it.each(['a.local', 'hearth-1.local', '3f1c.HEARTH.local'])('is %s', (text) => {
    expect(isLocalName(text)).toBe(true)
  })

  it.each(['', '.local', 'local', 'a.local.', 'a.example', '-a.local', 'a b.local', 'a.local\r\n', `${'a'.repeat(64)}.local`])(
    'is not %j',
    (text) => {
      expect(isLocalName(text)).toBe(false)
    },
  )
})

describe('a network of one’s own', () => {
  it.each(['10.1.2.3', '172.16.0.1', '172.31.9.9', '192.168.0.1', '169.254.1.1', '127.0.0.1', 'fd12::1', 'fe80::1', '::1'])(
    'has %s',
    (address) => {
      expect(isPrivate(address)).toBe(true)
    },
  )

  it.each(['172.15.0.1', '172.32.0.1', '100.64.0.1', '8.8.8.8', '2001:db8::1', 'fec0::1', '10.1.2', 'nonsense'])(
    'has no %s',
    (address) => {
      expect(isPrivate(address)).toBe(false)
    },
  )
})
