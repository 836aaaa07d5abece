/** Tries each way to the PC by itself, for a person who wants to know what works where they are. */
import type { RelayAccess } from '../protocol/generated'
import { type Clock, realClock } from './clock'
import { gather } from './gather'
import type { MakePeer } from './peerCall'
import { iceServers } from './relayAccess'
import type { DirectDial } from './road'

/**
 * `vds`: the server answers. `pc`: it sees the PC. `lan`: the PC answers with no server between.
 * `p2p`: this browser learns its address from outside. `relay_*`: the relay takes it in by UDP, by
 * TCP, by TLS.
 */
export const roadLines = ['vds', 'pc', 'lan', 'p2p', 'relay_udp', 'relay_tcp', 'relay_tls'] as const
export type RoadLine = (typeof roadLines)[number]

export interface LineResult {
  /** `unknown`: there is nothing to try it with. */
  readonly state: 'ok' | 'no' | 'unknown'
  /** How long it took, where something was waited for. */
  readonly ms?: number
}

/** Those that are known by now. */
export type RoadResults = Partial<Record<RoadLine, LineResult>>

/** What takes longer is of no use in a conversation. */
export const limitMs = 3_000

export interface CheckOptions {
  fetch: typeof globalThis.fetch
  /** Whether the VDS shows the PC; null while that is not known. */
  isHomeInSight: (signal: AbortSignal) => Promise<boolean | null>
  /** Null where there is neither a ticket nor a door. */
  direct: DirectDial | null
  /** The VDS's servers; null where it does not answer. */
  access: () => Promise<RelayAccess | null>
  makePeer: MakePeer
  onResult: (line: RoadLine, result: LineResult) => void
  /** @default realClock */
  clock?: Clock
}

export interface Check {
  /** Kept also when the check was stopped. */
  readonly done: Promise<void>
  /** Closes what is open, and tells no more. */
  stop(): void
}

/** Whether it works; null where there is nothing to try it with. Lets go of all when told to. */
type Attempt = (signal: AbortSignal) => Promise<boolean | null>

export function checkRoads(options: CheckOptions): Check {
  const { direct, makePeer, clock = realClock } = options
  const stopping = new AbortController()

  function tell(line: RoadLine, worked: boolean | null, ms?: number): void {
    if (stopping.signal.aborted) return
    const state = worked === null ? 'unknown' : worked ? 'ok' : 'no'
    options.onResult(line, { state, ...(worked && ms !== undefined && { ms }) })
  }

  async function attempt(line: RoadLine, begin: Attempt): Promise<void> {
    if (stopping.signal.aborted) return
    const trying = new AbortController()
    const end = () => trying.abort()
    const ended = new Promise<false>((resolve) => {
      trying.signal.addEventListener('abort', () => resolve(false))
    })
    stopping.signal.addEventListener('abort', end)
    const timer = clock.after(limitMs, end)
    const beganMs = clock.now()
    const worked = await Promise.race([begin(trying.signal).catch(() => false), ended])
    // How soon the server speaks of the PC says nothing of the way to it.
    tell(line, worked, line === 'pc' ? undefined : Math.round(clock.now() - beganMs))
    clock.cancel(timer)
    end()
  }

  async function tryServers(): Promise<void> {
    const access = await options.access().catch(() => null)
    const { stun = [], turn = [] } = access ?? {}
    const gathering =
      (type: 'srflx' | 'relay', stun: string[], turn: string[]): Attempt =>
      (signal) => {
        if (!access || stun.length + turn.length === 0) return Promise.resolve(null)
        const servers = iceServers({ ...access, stun, turn })
        return gather(makePeer, servers, type, signal)
      }
    const by = (pattern: RegExp) => turn.filter((url) => pattern.test(url)).slice(0, 1)
    await Promise.all([
      attempt('p2p', gathering('srflx', stun, [])),
      attempt('relay_udp', gathering('relay', [], by(/^turn:(?!.*=tcp$)/))),
      attempt('relay_tcp', gathering('relay', [], by(/^turn:.*=tcp$/))),
      attempt('relay_tls', gathering('relay', [], by(/^turns:/))),
    ])
  }

  async function run(): Promise<void> {
    await Promise.all([
      attempt('pc', options.isHomeInSight),
      attempt('vds', (signal) => answers(options.fetch, signal)),
      attempt('lan', async (signal) => (direct ? opens(direct, signal) : null)),
      tryServers(),
    ])
  }

  return { done: run(), stop: () => stopping.abort() }
}

async function answers(fetch: typeof globalThis.fetch, signal: AbortSignal): Promise<boolean> {
  const response = await fetch('/healthz', { signal, cache: 'no-store' })
  // A portal's own page is no JSON.
  const body: unknown = await response.json()
  return response.ok && typeof body === 'object'
}

function opens(dial: DirectDial, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const call = dial({ onOpen: () => resolve(true), onFailed: () => resolve(false) })
    signal.addEventListener('abort', () => call.hangUp())
  })
}
