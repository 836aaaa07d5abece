/** The access token: in memory only, and renewed before it expires, once at a time. */
import type { Session } from '../protocol/generated'
import type { Api } from './api'

/** So much is left at least when a token is handed out. */
const marginMs = 30_000

/** Runs one action at a time among all the pages of this browser: `navigator.locks`. */
export type Exclusive = <T>(action: () => Promise<T>) => Promise<T>

export interface AccessOptions {
  api: Api
  now: () => number
  exclusive: Exclusive
  /** A session came: by logging in, or because an old one was renewed. */
  onSession: (session: Session) => void
}

export class Access {
  private held: { token: string; expiresMs: number } | null = null
  private renewing: Promise<string> | null = null
  /** Grows with every log-in and log-out: a renewal that began before one is not kept. */
  private era = 0

  constructor(private readonly options: AccessOptions) {}

  take(session: Session): void {
    this.era++
    this.keep(session)
  }

  drop(): void {
    this.era++
    this.held = null
  }

  /**
   * A token that is good for a while.
   *
   * @throws {ProblemError} not_logged_in and its like: there is no session to renew.
   * @throws {Unreachable} the server did not answer; the session may still be good.
   */
  token(): Promise<string> {
    if (this.held && this.held.expiresMs - this.options.now() > marginMs) {
      return Promise.resolve(this.held.token)
    }
    this.renewing ??= this.renew().finally(() => (this.renewing = null))
    return this.renewing
  }

  /** Forgets a token that the server would not take, so that the next is a new one. */
  distrust(token: string): void {
    if (this.held?.token === token) this.held = null
  }

  private async renew(): Promise<string> {
    const { api, exclusive } = this.options
    const era = this.era
    const session = await exclusive(() => api.refresh())
    if (era === this.era) this.keep(session)
    return session.access_token
  }

  private keep(session: Session): void {
    this.held = {
      token: session.access_token,
      expiresMs: this.options.now() + session.expires_in_s * 1000,
    }
    this.options.onSession(session)
  }
}

/** One tab at a time, where the browser knows how: a refresh token is good for one use. */
export const acrossTabs: Exclusive = (action) =>
  'locks' in navigator ? navigator.locks.request('hearth.session', action) : action()
