/** What a person sees: what the PC confirmed, with what is still pending laid over it. */
import type { Command, HistoryCut } from '../protocol/generated'
import {
  type ChatHead,
  type ChatsState,
  isSettled,
  type Pending,
  type Settings,
  type Turn,
  withSetting,
} from './model'
import { layOver } from './overlay'
import { titleFrom } from './title'
import { pathTo, type Siblings, siblingsOf } from './tree'

export interface ChatSummary extends ChatHead {
  /** Something that was said in it is not on the PC. */
  readonly unsent: boolean
}

type Confirmed = Pick<ChatsState, 'chats' | 'pending'>
type WithHeads = Pick<ChatsState, 'heads' | 'pending'>

/** The newest first. */
export function chatList({ heads, pending }: WithHeads): ChatSummary[] {
  const list = new Map<string, ChatSummary>()
  for (const head of heads.values()) list.set(head.id, { ...head, unsent: false })
  for (const one of pending) {
    if ('chat' in one.command) layOverList(list, one, one.command)
  }
  return [...list.values()].sort(
    (one, other) => other.changedMs - one.changedMs || (one.id < other.id ? 1 : -1),
  )
}

type OfChat = Extract<Command, { chat: string }>

function layOverList(
  list: Map<string, ChatSummary>,
  { atMs, state }: Pending,
  command: OfChat,
): void {
  const { chat } = command
  const change = (news: Partial<ChatSummary>) => {
    const there = list.get(chat)
    if (there) list.set(chat, { ...there, ...news })
  }
  switch (command.type) {
    case 'create_chat': {
      const { title, folder = null, at_ms } = command
      const changedMs = at_ms ?? atMs
      if (!list.has(chat)) list.set(chat, { id: chat, title, folder, changedMs, unsent: false })
      return
    }
    case 'rename_chat':
      return change({ title: command.title })
    case 'move_chat':
      return change({ folder: command.folder })
    case 'delete_chat':
      return void list.delete(chat)
    case 'send_message':
    case 'edit_message': {
      if (state === 'acknowledged') return change({ changedMs: newer(list.get(chat), atMs) })
      // Where its chat has gone meanwhile, what was said is still to be found.
      const title = titleFrom(command.text) || '…'
      if (!list.has(chat)) list.set(chat, { id: chat, title, folder: null, changedMs: atMs, unsent: true })
      return change({ unsent: true, changedMs: newer(list.get(chat), state === 'refused' ? 0 : atMs) })
    }
  }
}

function newer(chat: ChatSummary | undefined, atMs: number): number {
  return Math.max(chat?.changedMs ?? 0, atMs)
}

/** The names of all folders that a chat is in. */
export function foldersOf(list: readonly ChatSummary[]): string[] {
  const names = list.flatMap(({ folder }) => (folder === null ? [] : [folder]))
  return [...new Set(names)].sort((one, other) => one.localeCompare(other))
}

/**
 * The turns of one chat on the way that is shown, by a message that was chosen or the newest. A turn
 * that did not change is the same object as before.
 */
export function turnsOf(
  { chats, pending }: Confirmed,
  id: string,
  chosen: string | null = null,
): readonly Turn[] {
  const { turns, refused } = layOver(chats.get(id)?.turns ?? [], pending, id)
  const path = pathTo(turns, chosen)
  return refused.length === 0 ? path : [...path, ...refused]
}

/** Where a message is among those that follow the same one. */
export function siblings({ chats, pending }: Confirmed, id: string, message: string): Siblings {
  return siblingsOf(layOver(chats.get(id)?.turns ?? [], pending, id).turns, message)
}

/** Whether a message is in a chat, on whichever way through it; what was refused is in none. */
export function knowsMessage({ chats, pending }: Confirmed, chat: string, message: string): boolean {
  return layOver(chats.get(chat)?.turns ?? [], pending, chat).turns.some(({ id }) => id === message)
}

/** What of a chat the model does not see any more, as of its latest answer. */
export function cutOf(turns: readonly Turn[]): HistoryCut | null {
  return turns.findLast((turn) => turn.reply)?.reply?.cut ?? null
}

/** A running answer as far as it has come; one that is to go on shows what it goes on from. */
export function liveText(
  { chats, live }: Pick<ChatsState, 'chats' | 'live'>,
  answer: string,
): string {
  const running = live.get(answer)
  if (!running) return endedText(chats, answer)
  return running.continues === null ? running.text : endedText(chats, running.continues) + running.text
}

function endedText(chats: ChatsState['chats'], answer: string): string {
  for (const { events } of chats.values()) {
    for (const event of events) {
      if (event.type === 'answer_ended' && event.answer === answer) return event.text
    }
  }
  return ''
}

export type Activity = 'idle' | 'awaiting' | 'answering'

/** The last turn that the PC would take. */
export function lastTaken(turns: readonly Turn[]): Turn | undefined {
  return turns.findLast(({ state }) => state !== 'refused')
}

/** Whether the last turn that the PC would take is being answered, so that another must wait. */
export function activityOf(turns: readonly Turn[]): Activity {
  const last = lastTaken(turns)
  if (!last || isSettled(last)) return 'idle'
  return last.reply ? 'answering' : 'awaiting'
}

/** Whether there is anything to show of such a chat, confirmed or about to be. */
export function hasChat({ heads, pending }: WithHeads, id: string): boolean {
  let has = heads.has(id)
  for (const { command } of pending) {
    if ('chat' in command && command.chat === id) has = command.type !== 'delete_chat'
  }
  return has
}

/** Whether the PC has such a chat, or will have it once all that waits is sent. */
export function isMade({ heads, pending }: WithHeads, id: string): boolean {
  return comesToBe(pending, id) ?? heads.has(id)
}

/**
 * Whether something can be said in it. Of one that is gone what was not sent may still be shown; while
 * the list of chats comes in, none is known to be gone.
 */
export function takesMessages(
  { heads, pending, isListing }: WithHeads & Pick<ChatsState, 'isListing'>,
  id: string,
): boolean {
  return comesToBe(pending, id) ?? (isListing || heads.has(id))
}

/** Whether what is pending makes a chat or deletes it; undefined: neither. */
function comesToBe(pending: readonly Pending[], id: string): boolean | undefined {
  const last = pending.findLast(
    ({ command }) =>
      (command.type === 'create_chat' || command.type === 'delete_chat') && command.chat === id,
  )
  return last && last.command.type === 'create_chat'
}

/** What the person chose for all devices, or is about to. */
export function settingsOf({ settings, pending }: Pick<ChatsState, 'settings' | 'pending'>): Settings {
  let chosen = settings
  for (const { command } of pending) {
    if (command.type === 'change_setting') chosen = withSetting(chosen, command.name, command.value)
  }
  return chosen
}
