/** What the app knows of the chats on the PC. Values are never changed in place. */
import type {
  AnswerTimings,
  ChatEvent,
  Command,
  EndReason,
  ErrorCode,
  Excess,
  HistoryCut,
  SettingName,
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
  /** The message that it follows; null where it is the first of its chat. */
  readonly parent: string | null
  readonly text: string
  readonly atMs: number
  /**
   * `waiting`: not yet on the PC's disk; `refused`: the PC would not take it. `unanswered`: no answer
   * is to come by itself, since it was brought from elsewhere without one.
   */
  readonly state: 'waiting' | 'sent' | 'unanswered' | 'refused'
  readonly code: ErrorCode | null
  /** By how much it is too long for the model, where that is why it was refused. */
  readonly excess: Excess | null
  readonly reply: Reply | null
}

/** Whether its answer has ended, or there is to be none. */
export function isSettled({ state, reply }: Turn): boolean {
  return reply ? reply.state !== 'running' : state === 'unanswered'
}

/** A chat as the list shows it. */
export interface ChatHead {
  readonly id: string
  readonly title: string
  readonly folder: string | null
  readonly changedMs: number
}

/** What was said in a chat that is open on this device. */
export interface Chat {
  readonly id: string
  /** Every branch: a tree by `Turn.parent`, in the order in which the PC wrote it down. */
  readonly turns: readonly Turn[]
  /** What the turns were made of, by number, each once. */
  readonly events: readonly ChatEvent[]
}

/** A running answer as far as it has come. `next` is the index of the delta that follows. */
export interface Live {
  readonly chat: string
  readonly text: string
  readonly next: number
  /** The answer whose text comes before `text`; null where that is all of it. */
  readonly continues: string | null
}

/** A command that the PC has not yet confirmed by an event. */
export interface Pending {
  readonly command: Command
  readonly atMs: number
  /** `acknowledged`: on disk, its event has not come yet. */
  readonly state: 'waiting' | 'acknowledged' | 'refused'
  /** It was given to a connection, so that the PC may have it: it cannot be changed any more. */
  readonly told: boolean
  /** The log's newest number after the command, once acknowledged. */
  readonly seq: number
  readonly code: ErrorCode | null
  readonly excess: Excess | null
}

export type Settings = Readonly<Partial<Record<SettingName, string>>>

/** Without a value it is left to each device. */
export function withSetting(settings: Settings, name: SettingName, value: string | null): Settings {
  const others = Object.entries(settings).filter(([other]) => other !== name)
  return Object.fromEntries(value === null ? others : [...others, [name, value]])
}

export interface ChatsState {
  /** The log that all this is of; null where there is nothing yet. */
  readonly log: string | null
  /** Every event from `before` up to `after` is here. `before` is 1 when all of the past is. */
  readonly after: number
  readonly before: number
  /** The newest that the PC had when it last welcomed us, or that came since; null before. */
  readonly head: number | null
  /** The list of chats is still coming in, so that this is not yet a replica to go on from. */
  readonly isListing: boolean
  readonly model: string
  /** As the PC says; those that a person left to each device are absent. */
  readonly settings: Settings
  /** All chats, as the events say, without what is still pending. */
  readonly heads: ReadonlyMap<string, ChatHead>
  /** Chats that went since the page was loaded: what still comes of them is late. */
  readonly gone: ReadonlySet<string>
  /** Answers whose end came since then: a draft of theirs is late. */
  readonly ended: ReadonlySet<string>
  /** The chats that are open, and no others. */
  readonly chats: ReadonlyMap<string, Chat>
  /** Running answers of all chats, by answer. */
  readonly live: ReadonlyMap<string, Live>
  /** In the order they were given. */
  readonly pending: readonly Pending[]
}

export const nothing: ChatsState = {
  log: null,
  after: 0,
  before: 0,
  head: null,
  isListing: false,
  model: '',
  settings: {},
  heads: new Map(),
  gone: new Set(),
  ended: new Set(),
  chats: new Map(),
  live: new Map(),
  pending: [],
}
