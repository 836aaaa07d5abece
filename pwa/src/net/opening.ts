/** What happens on a new data channel before chats: docs/protocol.md, Trust. */
import type { ErrorCode, LanTicket } from '../protocol/generated'
import type { Fingerprints } from '../trust/transcript'
import type { DataChannel } from './channel'

/** Takes a channel, and hands it over for chats once both ends are proved. */
export type Opening = (
  channel: DataChannel,
  fingerprints: Fingerprints,
  handlers: OpeningHandlers,
) => Running

export interface Running {
  /** Sends and hears no more. The channel stays open. */
  stop(): void
}

/** One of these is told, once, and none after `stop`. */
export interface OpeningHandlers {
  /**
   * Both ends are proved; nobody listens to the channel any more. WebCrypto derives the code later
   * than the channel is needed. The ticket is the home's, for the next time.
   */
  onBound: (code: Promise<string>, ticket: LanTicket | null) => void
  /** Whoever answers is not the home that was paired. Nothing may go on. */
  onAttack: () => void
  /** Trying again would not help. */
  onRefused: (code: ErrorCode) => void
  /** This try came to nothing. */
  onLost: () => void
}
