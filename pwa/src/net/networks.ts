/** Where a PC may be looked for: networks of 254 hosts, by their first three numbers, `192.168.1`. */
import type { LanTicket } from '../protocol/generated'
import { isIpv4, isPrivate } from './addresses'

/** What routers for homes come with. */
const common = [
  '192.168.0',
  '192.168.1',
  '10.0.0',
  '192.168.178',
  '192.168.2',
  '192.168.31',
  '192.168.88',
  '192.168.100',
  '10.0.1',
]

export interface Networks {
  /** The PC was last in these; only the last number of its address may have changed. */
  known: string[]
  /** For the person to choose from. */
  common: string[]
}

export function guessNetworks(ticket: LanTicket | null): Networks {
  const addresses = ticket?.addresses ?? []
  const known = [...new Set(addresses.map(networkOf).filter((network) => network !== null))]
  return { known, common: common.filter((network) => !known.includes(network)) }
}

/**
 * What a person typed, `192.168.1`, `192.168.1.0/24` or any address of it; null where it is no
 * network of one's own.
 */
export function readNetwork(text: string): string | null {
  const [address = '', size = '24', ...more] = text.trim().split('/')
  if (size !== '24' || more.length > 0) return null
  const numbers = address.replace(/\.[*x]?$/i, '').split('.')
  return networkOf((numbers.length === 3 ? [...numbers, '0'] : numbers).join('.'))
}

/** Every address of a network that can be a host's. */
export function hostsOf(network: string): string[] {
  if (networkOf(`${network}.0`) !== network) return []
  return Array.from({ length: 254 }, (_, index) => `${network}.${String(index + 1)}`)
}

function networkOf(address: string): string | null {
  const isOwn = isIpv4(address) && isPrivate(address) && !address.startsWith('127.')
  return isOwn ? address.slice(0, address.lastIndexOf('.')) : null
}
