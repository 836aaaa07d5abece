/** Where a PC may be looked for: networks of 254 hosts, by their first three numbers, `192.168.1`. */
import { isIpv4, isPrivate } from './addresses'

/** What most routers for homes come with. */
const usual = ['192.168.1', '192.168.0', '10.0.0']

/** More are no choice any more; a person can type another. */
const most = 4

/** Networks to look in: those of the addresses that the PC was last at, then the usual ones. */
export function networksToSweep(addresses: readonly string[]): string[] {
  const known = addresses.filter(isIpv4).map(networkOf)
  const found = [...known, ...usual].filter((network) => network !== null)
  return [...new Set(found)].slice(0, most)
}

/**
 * The network that a person means by `192.168.1`, `192.168.1.0/24` or an address of it; null where
 * it is not one of their own.
 */
export function networkOf(text: string): string | null {
  const [address = '', size = '24', ...more] = text.trim().split('/')
  if (size !== '24' || more.length > 0) return null
  const numbers = address.replace(/\.[*x]?$/i, '').split('.')
  const network = numbers.slice(0, 3).join('.')
  const whole = `${network}.${numbers.slice(3).join('.') || '0'}`
  return isIpv4(whole) && isPrivate(whole) && !whole.startsWith('127.') ? network : null
}

/** Every address of a network that can be a host's; none of what is no network of one's own. */
export function hostsOf(network: string): string[] {
  if (networkOf(network) !== network) return []
  return Array.from({ length: 254 }, (_, index) => `${network}.${String(index + 1)}`)
}
