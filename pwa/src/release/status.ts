/** What the service worker and the page say to each other. */
import type { Reason } from './refused'

export interface Refusal {
  readonly reason: Reason
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Status {
  /** Of the release in use. */
  readonly version: string
  /** Of the pinned key, as it is shown. */
  readonly fingerprint: string
  /** The version of a verified release that waits to be used. */
  readonly ready: string | null
  /** The last update that was not taken. */
  readonly refusal: Refusal | null
  /** Whether the server still offers what was refused. */
  readonly isRefused: boolean
}

/** `check`: look for an update now. `apply`: use the one that is ready. `takeOver`: be the worker. */
export interface Request {
  readonly type: 'status' | 'check' | 'apply' | 'takeOver'
}

/** Sent to every page when the status has changed; also the answer to a request. */
export interface Told {
  readonly type: 'release'
  readonly status: Status | null
}
