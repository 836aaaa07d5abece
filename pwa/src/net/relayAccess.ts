/** The VDS's STUN and TURN servers, and credentials for the latter: kept while they are good. */
import { type RelayAccess, RelayAccessShape } from '../protocol/generated'
import { isIpv6 } from './addresses'
import { type Backoff, delayMs } from './backoff'
import type { Clock } from './clock'
import { makeRequest, reader, type Request } from './http'

const read = reader<RelayAccess>(RelayAccessShape)

/** So much is left at least when credentials are handed out. */
const marginMs = 60_000
/** A dial waits so long for servers, and then goes without. */
const patienceMs = 1_000
/** A question that was sent into a network that is gone since then is not waited for. */
const lostMs = 5_000
/** Whoever is refused the relay may have it as soon as the first device is paired. */
const withoutRelayMs = 10_000
/** How soon somebody without one asks again, and how seldom in the end. */
const again: Backoff = { firstMs: 3_000, longestMs: 600_000 }
/** More are of no use, and slow a browser down. */
const maxUrls = 8

export interface RelayAccessOptions {
  fetch: typeof globalThis.fetch
  /** Of the person whose relay it is. */
  token: () => Promise<string>
  clock: Clock
}

interface Kept {
  readonly access: RelayAccess
  /** From then on another is asked for while this is still good. */
  readonly renewMs: number
  readonly endsMs: number
}

export class RelayServers {
  private kept: Kept | null = null
  private renewing: { asked: Promise<void>; lostMs: number } | null = null
  /** Grows when what is kept is forgotten: what was asked for before is somebody else's. */
  private era = 0
  private timer: unknown = null
  /** Answers in a row that named no relay. */
  private refusals = 0
  private readonly request: Request

  constructor(private readonly options: RelayAccessOptions) {
    this.request = makeRequest(options.fetch)
  }

  /**
   * Asks now, where nothing good is kept, and again before it ends, until `forget`: on the day that
   * somebody walks out of the door, the network in which the VDS could be asked is gone.
   */
  async keep(): Promise<void> {
    const { clock } = this.options
    const { era } = this
    clock.cancel(this.timer)
    if (this.isWanting) await this.renew()
    if (era !== this.era) return
    const { good } = this
    const hasRelay = good !== null && good.access.turn.length > 0
    this.refusals = hasRelay ? 0 : this.refusals + 1
    const waitMs = hasRelay
      ? good.renewMs - clock.now()
      : delayMs(this.refusals, clock.random(), again)
    clock.cancel(this.timer)
    this.timer = clock.after(Math.max(1_000, waitMs), () => void this.keep())
  }

  /** For a connection that is made now: within a second, and none rather than an error. */
  async iceServers(): Promise<RTCIceServer[]> {
    const access = await this.access()
    return access ? iceServers(access) : []
  }

  /** The same, as the VDS says it; null where it says nothing. */
  async access(): Promise<RelayAccess | null> {
    const { clock } = this.options
    if (!this.good) {
      let timer: unknown
      const patience = new Promise<void>((resolve) => {
        timer = clock.after(patienceMs, resolve)
      })
      await Promise.race([this.renew(), patience])
      clock.cancel(timer)
    } else if (this.good.renewMs <= clock.now()) void this.renew()
    return this.good?.access ?? null
  }

  /** Somebody else may log in next. */
  forget(): void {
    this.era++
    this.options.clock.cancel(this.timer)
    this.kept = this.renewing = null
    this.refusals = 0
  }

  private get isWanting(): boolean {
    return (
      !this.good || this.good.access.turn.length === 0 || this.good.renewMs <= this.options.clock.now()
    )
  }

  private get good(): Kept | null {
    return this.kept && this.options.clock.now() < this.kept.endsMs ? this.kept : null
  }

  /** Asks the VDS, once at a time. What is kept stays where it does not answer. */
  private renew(): Promise<void> {
    const now = this.options.clock.now()
    if (!this.renewing || this.renewing.lostMs <= now) {
      this.renewing = { asked: this.ask(this.era), lostMs: now + lostMs }
    }
    return this.renewing.asked
  }

  private async ask(era: number): Promise<void> {
    const { clock } = this.options
    try {
      const token = await this.options.token()
      const access = checked(read(await this.request('GET', '/api/relay', { token })))
      if (era !== this.era) return
      const lifeMs = access.expires_in_s * 1_000
      const goodMs = access.turn.length > 0 ? lifeMs - marginMs : Math.min(lifeMs, withoutRelayMs)
      const now = clock.now()
      this.kept = { access, renewMs: now + goodMs / 2, endsMs: now + goodMs }
    } catch {
      // No session or no server: connections do without.
    } finally {
      if (era === this.era) this.renewing = null
    }
  }
}

/** As RTCPeerConnection takes them. */
export function iceServers({ stun, turn, username, credential }: RelayAccess): RTCIceServer[] {
  const servers: RTCIceServer[] = []
  if (stun.length > 0) servers.push({ urls: stun })
  if (turn.length > 0 && username && credential) servers.push({ urls: turn, username, credential })
  return servers
}

/** Without what would make a browser throw instead of connecting without it. */
function checked(access: RelayAccess): RelayAccess {
  const { stun, turn, username, credential } = access
  const isComplete = Boolean(username && credential)
  return {
    ...access,
    stun: stun.filter((url) => isServer(url, ['stun'])).slice(0, maxUrls),
    turn: isComplete ? turn.filter((url) => isServer(url, ['turn', 'turns'])).slice(0, maxUrls) : [],
  }
}

/** Scheme, host or IPv6 in brackets, port, transport: RFC 7064, section 3.1; RFC 7065, section 3.1. */
const server =
  /^(stun|turn|turns):(?:\[([\da-f:.]+)\]|[a-z\d](?:[a-z\d.-]{0,252}))(?::(\d{1,5}))?(\?transport=(?:udp|tcp))?$/i

function isServer(url: string, schemes: readonly string[]): boolean {
  const match = server.exec(url)
  if (!match) return false
  const [, scheme = '', ipv6, port = '1', transport] = match
  return (
    schemes.includes(scheme) &&
    (ipv6 === undefined || isIpv6(ipv6)) &&
    (transport === undefined || scheme !== 'stun') &&
    Number(port) >= 1 &&
    Number(port) <= 65_535
  )
}
