/** What the app knows of the chats on the PC. Values are never changed in place. */
import type {
  AnswerTimings,
  Command,
  EndReason,
  ErrorCode,
  Excess,
  HistoryCut,
} from '../protocol/generated'

/** An answer to a person's message. The text of a running one is in `ChatsState.live`. */
export interface Reply {
  readonly id: string
  readonly model: string
  readonly state: 'running' | EndReason
  readonly text: string
  readonly code: ErrorCode | null
  readonly timings: AnswerTimings | null
  /** What of the chat the model did not see for it. */
  readonly cut: HistoryCut | null
}

/** What a person said, and the newest answer to it. */
export interface Turn {
  readonly id: string
  readonly text: string
  readonly atMs: number
  /** `waiting`: not yet on the PC's disk; `refused`: the PC would not take it. */
  readonly state: 'waiting' | 'sent' | 'refused'
  readonly code: ErrorCode | null
  /** By how much it is too long for the model, where that is why it was refused. */
  readonly excess: Excess | null
  readonly reply: Reply | null
}

export interface Chat {
  readonly id: string
  readonly title: string
  readonly changedMs: number
  readonly turns: readonly Turn[]
}

/** A running answer as far as it has come. `next` is the index of the delta that follows. */
export interface Live {
  readonly text: string
  readonly next: number
}

/** A command that the PC has not yet confirmed by an event. */
export interface Pending {
  readonly command: Command
  readonly atMs: number
  /** `acknowledged`: on disk, its event has not come yet. */
  readonly state: 'waiting' | 'acknowledged' | 'refused'
  /** The log's newest number after the command, once acknowledged. */
  readonly seq: number
  readonly code: ErrorCode | null
  readonly excess: Excess | null
}

export interface ChatsState {
  /** The newest sequence number that this device has. */
  readonly after: number
  /** The newest that the PC had when it last welcomed us; null before the first welcome. */
  readonly head: number | null
  readonly model: string
  /** As the events say, without what is still pending. */
  readonly chats: ReadonlyMap<string, Chat>
  /** Running answers, by answer. */
  readonly live: ReadonlyMap<string, Live>
  /** In the order they were given. */
  readonly pending: readonly Pending[]
}

export const nothing: ChatsState = {
  after: 0,
  head: null,
  model: '',
  chats: new Map(),
  live: new Map(),
  pending: [],
}
