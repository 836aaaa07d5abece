/** What this device keeps of one home: the replica of its log, and the outbox. */
import type { ChatHead, Pending, Settings } from '../chat/model'
import type { Event } from '../protocol/generated'
import type { Stranded } from '../chat/stranded'

/** How far the replica reaches: every event from `before` up to `after` of `log`. */
export interface Meta {
  readonly log: string
  readonly after: number
  readonly before: number
  /** The number that the heads are of, where it is beyond `after`: set by whoever keeps them. */
  readonly headsOf?: number
  /** The newest number that the PC is known to have. */
  readonly head: number
  readonly model: string
  readonly settings: Settings
}

/** Where an event is: its chat, '' for those of none, and its number. */
export type Cursor = readonly [chat: string, seq: number]

/** One transaction. What is not named stays as it is. */
export interface Change {
  /** A log: drops all but the outbox first, unless the replica is of this log already. */
  readonly clear?: string
  /**
   * With `clear`: up to this number the log that is dropped is the same as the one that follows.
   * Chats in which something was said after it are set aside, as `stranded`.
   */
  readonly common?: number
  /**
   * What whoever writes has by now, this change included. Of the same log the replica only grows,
   * where the two touch; where it is of another one, all but the outbox is passed over, as it is
   * where there is none, unless this change clears it or brings the list.
   */
  readonly meta?: Meta
  /** Passed over where those that are there are of a number beyond `meta.after`. */
  readonly heads?: readonly ChatHead[]
  /** `heads` are all chats that there are: of others nothing stays. */
  readonly isList?: boolean
  /** Passed over, where the heads are of a number beyond `meta.after`, for chats without one. */
  readonly events?: readonly Event[]
  /** Chats that are gone, with every event of theirs: from the log of `meta`, and what is `stranded`. */
  readonly erase?: readonly string[]
  /** Chats of which nothing is `stranded` any more: it was brought back, or given up. */
  readonly land?: readonly string[]
  readonly add?: readonly Pending[]
  /** By the command's id; one that is no longer there stays away. */
  readonly replace?: readonly Pending[]
  /** Ids of commands that the PC may have from now on, whatever another tab knows of them by then. */
  readonly told?: readonly string[]
  /** Ids of commands. */
  readonly remove?: readonly string[]
}

export interface Kept {
  readonly meta: Meta | null
  readonly heads: ChatHead[]
  /** In the order they were added, by whichever tab. */
  readonly outbox: Pending[]
}

/** Events of a chat from one number to another, both included. */
export type Stretch = readonly [chat: string, first: number, last: number]

/** What the search looks up, each time as of one moment. */
export interface ReplicaLookup {
  /** The events at these places; null where there is none. */
  at(places: readonly Cursor[]): Promise<(Event | null)[]>
  /** Whether there is any event in each of these. */
  hasAny(stretches: readonly Stretch[]): Promise<boolean[]>
}

export interface ReplicaStorage {
  load(): Promise<Kept>
  /** Of one chat, by number; nothing where another tab has gone over to another than this log. */
  events(chat: string, log?: string): Promise<Event[]>
  /** Walks all events by chat and number; `next` is null at the end. */
  all(after: Cursor | null, limit: number): Promise<{ events: Event[]; next: Cursor | null }>
  /** What other logs left here that the PC has not, by chat. */
  stranded(): Promise<Stranded[]>
  /**
   * Gives whether what the PC said was taken: not where the replica is of another log, or of none yet,
   * since another tab has gone over to one.
   *
   * @throws {StorageFull} and then nothing of it is written.
   */
  write(change: Change): Promise<boolean>
  close(): void
  /** Closes it, here and in other tabs, and leaves nothing of it on this device. */
  destroy(): Promise<void>
}

/** This device has no room for it. */
export class StorageFull extends Error {
  constructor() {
    super('This device has no room left for it.')
    this.name = 'StorageFull'
  }
}
