/** What is to be written after one state of the chats became another. */
import type { ChatHead, ChatsState, Pending } from '../chat/model'
import type { Event } from '../protocol/generated'
import type { Change } from '../storage/replica'

/**
 * @param events those that came meanwhile
 * @param common up to which number another log is the same as the one before it
 * @returns null where there is nothing to write
 */
export function changeBetween(
  before: ChatsState,
  next: ChatsState,
  events: readonly Event[],
  common = 0,
): Change | null {
  if (before === next && events.length === 0) return null
  const replica = ofReplica(before, next, events)
  const from = replica.clear === undefined ? {} : { common }
  const change = { ...ofOutbox(before.pending, next.pending), ...replica, ...from }
  return Object.values(change).every(isNothing) ? null : change
}

function isNothing(part: unknown): boolean {
  return part === undefined || (Array.isArray(part) && part.length === 0)
}

function ofOutbox(before: readonly Pending[], next: readonly Pending[]): Change {
  if (before === next) return {}
  const old = new Map(before.map((one) => [one.command.id, one]))
  const left = new Set(next.map((one) => one.command.id))
  const isOther = (one: Pending) => old.has(one.command.id) && old.get(one.command.id) !== one
  return {
    add: next.filter((one) => !old.has(one.command.id)),
    replace: next.filter(isOther),
    remove: [...old.keys()].filter((id) => !left.has(id)),
  }
}

function ofReplica(before: ChatsState, next: ChatsState, events: readonly Event[]): Change {
  const { log, after, before: from, head, model, settings } = next
  if (log === null) return {}
  const clear = before.log === log ? undefined : log
  // Half a list on disk would be taken for all of it.
  if (next.isListing) return { clear }
  const isNew = clear !== undefined || before.isListing
  const heads = isNew ? [...next.heads.values()] : changedHeads(before.heads, next.heads)
  const erase = next.gone === before.gone ? [] : [...next.gone].filter((id) => !before.gone.has(id))
  const kept = events.filter((event) => isKept(event, next))
  const meta = { log, after, before: from, head: head ?? after, model, settings }
  const isSame =
    !isNew && heads.length + kept.length + erase.length === 0 && reachesAsFar(before, next)
  return isSame ? {} : { clear, meta, heads, isList: isNew || undefined, events: kept, erase }
}

/** Of a chat that is gone nothing stays, its end included. */
function isKept(event: Event, { gone }: ChatsState): boolean {
  if (event.type === 'setting_changed') return true
  return event.type !== 'chat_deleted' && !gone.has(event.chat)
}

function changedHeads(
  before: ReadonlyMap<string, ChatHead>,
  next: ReadonlyMap<string, ChatHead>,
): ChatHead[] {
  return before === next ? [] : [...next.values()].filter((head) => before.get(head.id) !== head)
}

function reachesAsFar(before: ChatsState, next: ChatsState): boolean {
  const names = ['log', 'after', 'before', 'head', 'model', 'settings'] as const
  return names.every((name) => before[name] === next[name])
}
