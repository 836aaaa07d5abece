/**
 * What the VDS saw of this app since the page was opened: kinds, sizes, times and addresses.
 *
 * Of what went by, nothing else is kept: no description, no token, no text.
 */
import type { FrameHook } from './signaling'

export type Direction = 'sent' | 'got'

export interface Seen {
  readonly atMs: number
  readonly direction: Direction
  /** The protocol's own word, such as `offer`, or a method and a path. */
  readonly kind: string
  /** Of the text in UTF-8, without what carries it. */
  readonly bytes: number
}

export interface Total {
  readonly count: number
  readonly bytes: number
}

export interface Log {
  /** The last ones, the oldest first. */
  readonly seen: readonly Seen[]
  /** Of all, also of those that are not kept one by one any more. */
  readonly totals: Readonly<Record<Direction, Total>>
  /** In our own candidates and descriptions (`sent`), and in the PC's (`got`). */
  readonly addresses: Readonly<Record<Direction, readonly string[]>>
  readonly loggedInMs: number | null
  readonly connectedMs: number | null
}

const nothing: Total = { count: 0, bytes: 0 }

export const emptyLog: Log = {
  seen: [],
  totals: { sent: nothing, got: nothing },
  addresses: { sent: [], got: [] },
  loggedInMs: null,
  connectedMs: null,
}

const keptFrames = 200
const keptAddresses = 40
const kindChars = 64

/** RFC 8839, section 5.1: the address of a candidate, and the one that it is related to. */
const candidates = /candidate:\S+ \d+ \S+ \d+ (\S+) \d+ typ \S+(?: raddr (\S+))?/g
/** RFC 8866, section 5.7. */
const connectionData = /^c=IN IP[46] (\S+)/gm
/** An IP address, or the name that a browser puts in its place (mDNS). */
const address = /^(?:[\d.]{7,15}|[\da-f.:]{2,45}|[\da-f-]{36}\.local)$/i
/** What stands where there is no address yet. */
const placeholders = new Set(['0.0.0.0', '::'])

export class Witness {
  log: Log = emptyLog
  onChange: (() => void) | null = null

  constructor(private readonly now: () => number) {}

  /** A frame of signaling. */
  readonly frame: FrameHook = (direction, text) => {
    const { kind, described } = read(text)
    this.record(direction, kind, sizeOf(text), addressesIn(described))
    if (direction === 'got' && kind === 'authenticated') this.mark('connectedMs')
  }

  /** The same `fetch`, with its requests and answers recorded. */
  watch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (input, init) => {
      const path = new URL(input instanceof Request ? input.url : input, 'http://app').pathname
      const method = init?.method ?? 'GET'
      // What is long in a path names one thing out of many.
      const kind = `${method} ${path.replaceAll(/[^/]{24,}/g, '…')}`
      this.record('sent', kind, typeof init?.body === 'string' ? sizeOf(init.body) : 0)
      const response = await fetch(input, init)
      this.record('got', kind, (await response.clone().arrayBuffer()).byteLength)
      if (response.ok && method === 'POST' && logIns.has(path)) this.mark('loggedInMs')
      return response
    }
  }

  private record(
    direction: Direction,
    kind: string,
    bytes: number,
    found: readonly string[] = [],
  ): void {
    const { seen, totals, addresses } = this.log
    const total = totals[direction]
    const known = new Set([...addresses[direction], ...found])
    this.set({
      ...this.log,
      seen: [...seen, { atMs: this.now(), direction, kind, bytes }].slice(-keptFrames),
      totals: { ...totals, [direction]: { count: total.count + 1, bytes: total.bytes + bytes } },
      addresses: { ...addresses, [direction]: [...known].slice(0, keptAddresses) },
    })
  }

  private mark(what: 'loggedInMs' | 'connectedMs'): void {
    this.set({ ...this.log, [what]: this.now() })
  }

  private set(log: Log): void {
    this.log = log
    this.onChange?.()
  }
}

const logIns = new Set(['/api/accounts', '/api/session', '/api/session/passkey'])

const sizeOf = (text: string) => new TextEncoder().encode(text).length

interface Frame {
  type?: unknown
  signal?: { type?: unknown; sdp?: unknown; candidate?: unknown }
}

/** The kind of a frame, and the part of it that may hold addresses. */
function read(text: string): { kind: string; described: string } {
  try {
    const { type, signal } = JSON.parse(text) as Frame
    const kind = signal?.type ?? type
    if (typeof kind !== 'string') throw new TypeError()
    const described = [signal?.sdp, signal?.candidate].filter((part) => typeof part === 'string')
    return { kind: kind.slice(0, kindChars), described: described.join('\n') }
  } catch {
    return { kind: '?', described: '' }
  }
}

function addressesIn(text: string): string[] {
  const found = [...text.matchAll(candidates), ...text.matchAll(connectionData)]
  return found
    .flatMap(([, own, related]) => [own, related])
    .filter((part) => part !== undefined)
    .filter((part) => address.test(part) && !placeholders.has(part))
}
