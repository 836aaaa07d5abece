/** Ways to the PC. Each dials once and ends in an open data channel, or in nothing. */
import type { RoadName, Signal } from '../protocol/generated'
import type { Fingerprints } from '../trust/transcript'
import type { DataChannel } from './channel'

export interface DialHandlers {
  /** @param fingerprints of the descriptions that the browser enforces, one of each end */
  onOpen(channel: DataChannel, fingerprints: Fingerprints): void
  /** This try came to nothing. Told once, and not after `hangUp`. */
  onFailed(): void
}

export interface Call {
  /** Asks the browser's statistics; it may change while the call lasts. Null: not known (yet). */
  road(): Promise<RoadName | null>
  hangUp(): void
}

/** A signal as the PC answers it, by connection. */
export interface SignalPost {
  post(signal: Signal): void
  /** Hears the signals of one connection until told to stop. */
  listen(connection: string, heard: (signal: Signal) => void): () => void
}

/** With no server between; fails at once where there is nothing to dial by. */
export type DirectDial = (handlers: DialHandlers) => Call
/** Descriptions and candidates travel over the VDS. */
export type SignaledDial = (signals: SignalPost, handlers: DialHandlers) => Call

export interface Dials {
  direct: DirectDial
  signaled: SignaledDial
}
