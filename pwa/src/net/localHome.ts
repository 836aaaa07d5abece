/**
 * The first browser on the PC itself: it needs no code, since whoever sits there owns the PC. The app
 * asks its server for the door that the PC has on the loopback interface, and goes there once; the door
 * sends it back to `/pair`, with an invitation while no device was ever paired. By the same door, and as
 * often as one likes, it is logged in without an account: it is sent back to `/login` with the PC's word.
 */
import { makeRequest } from './http'

export interface LocalHome {
  /** Where this app is open, as `location` says it. */
  readonly hostname: string
  /** The address of the PC's door; null where the server names none, as on a VDS. */
  ask(): Promise<string | null>
  /** Leaves the app. */
  go(address: string): void
}

export interface Standing {
  hostname: string
  isUnpaired: boolean
  /** There is an invitation already, so there is nothing to fetch. */
  isInvited: boolean
  /** This tab has been at the door; once is enough, whatever came of it. */
  hasGone: boolean
}

/** Whether to ask at all: only a page of this very machine may be led to this very machine. */
export function isWorthAsking({ hostname, isUnpaired, isInvited, hasGone }: Standing): boolean {
  return isLoopback(hostname) && isUnpaired && !isInvited && !hasGone
}

/** Where to go to be paired, with this answer; null: nowhere. */
export function doorOf(standing: Standing, answer: string | null): string | null {
  return isWorthAsking(standing) ? doorTo('/pair', answer) : null
}

/** Where to go to be logged in without an account, from a page of this host; null: nowhere. */
export function logInDoorOf(hostname: string, answer: string | null): string | null {
  return isLoopback(hostname) ? doorTo('/login', answer) : null
}

/** A server cannot send anybody off this machine. */
function doorTo(path: '/pair' | '/login', answer: string | null): string | null {
  if (answer === null || !URL.canParse(answer)) return null
  const { protocol, hostname, origin, username, password } = new URL(answer)
  const isPlain = protocol === 'http:' && username === '' && password === ''
  return isPlain && isLoopback(hostname) ? `${origin}${path}` : null
}

export function isLoopback(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** Asks the server. Whatever goes wrong, there is no door: the page has three other ways. */
export function createLocalHome(
  fetch: typeof globalThis.fetch,
  { hostname, assign }: { hostname: string; assign: (address: string) => void },
): LocalHome {
  const request = makeRequest(fetch)
  return {
    hostname,
    go: assign,
    ask: async () => {
      try {
        const answer: unknown = JSON.parse(await request('GET', '/api/local-home'))
        const { address } = answer as { address?: unknown }
        return typeof address === 'string' ? address : null
      } catch {
        return null
      }
    },
  }
}
