/** What only this device has, since an older backup took the place of the log that it was in. */
import type { ChatHead } from './model'
import type { ChatEvent, Event } from '../protocol/generated'

/** A chat of a log that is no more, whole. */
export interface Stranded {
  readonly chat: string
  /** The log it was in. Its events up to number `common` are in the one that is kept now, too. */
  readonly log: string
  readonly common: number
  readonly events: readonly ChatEvent[]
}

/** Null where nothing was said in the chat after `common`. `head` is what the list says of it. */
export function strandedIn(
  { id: chat, title, folder, changedMs }: ChatHead,
  log: string,
  common: number,
  events: readonly Event[],
): Stranded | null {
  const mine = events
    .filter((event) => 'chat' in event)
    .sort((one, other) => one.seq - other.seq)
  const isSaid = ({ seq, type }: Event) =>
    seq > common && (type === 'message_written' || type === 'answer_ended')
  if (!mine.some(isSaid)) return null
  // Its true beginning was not loaded yet.
  const beginning: ChatEvent = { type: 'chat_created', seq: 0, at_ms: changedMs, chat, title, folder }
  const isWhole = mine.some(({ type }) => type === 'chat_created')
  return { chat, log, common, events: isWhole ? mine : [beginning, ...mine] }
}

/** The same, once another log followed that is the same as the one before it up to `common`. */
export function setBack(stranded: Stranded, common: number): Stranded {
  return common < stranded.common ? { ...stranded, common } : stranded
}

/** Whether the chat was deleted from the log that followed: that surely had it, and lists it no more. */
export function isDeleted({ chat, common, events }: Stranded, listed: ReadonlySet<string>): boolean {
  const isBegun = events.some(({ type, seq }) => type === 'chat_created' && seq > 0 && seq <= common)
  return isBegun && !listed.has(chat)
}
