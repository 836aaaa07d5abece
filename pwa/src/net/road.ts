/** Ways to the PC. Each dials once and ends in an open data channel, or in nothing. */
import type { Signal } from '../protocol/generated'
import type { Fingerprints } from '../trust/transcript'
import type { DataChannel } from './channel'

export type RoadName = 'signaled'

export interface DialHandlers {
  /** @param fingerprints of the descriptions that the browser enforces, one of each end */
  onOpen: (channel: DataChannel, fingerprints: Fingerprints) => void
  /** This try came to nothing. Told once, and not after `hangUp`. */
  onFailed: () => void
}

export interface Call {
  readonly road: RoadName
  hangUp(): void
}

/** A signal as the PC answers it, by connection. */
export interface SignalPost {
  post(signal: Signal): void
  /** Hears the signals of one connection until told to stop. */
  listen(connection: string, heard: (signal: Signal) => void): () => void
}

export type Dial = (signals: SignalPost, handlers: DialHandlers) => Call
