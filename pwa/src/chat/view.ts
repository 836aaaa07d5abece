/** What a person sees: what the PC confirmed, with what is still pending laid over it. */
import type { HistoryCut, SendMessage } from '../protocol/generated'
import type { ChatsState, Pending, Turn } from './model'

export interface ChatSummary {
  readonly id: string
  readonly title: string
  readonly changedMs: number
}

type Confirmed = Pick<ChatsState, 'chats' | 'pending'>

/** The newest first. */
export function chatList({ chats, pending }: Confirmed): ChatSummary[] {
  const list = new Map<string, ChatSummary>()
  for (const { id, title, changedMs } of chats.values()) list.set(id, { id, title, changedMs })
  for (const { command, atMs, state } of pending) {
    if (command.type === 'create_chat' && !list.has(command.chat)) {
      list.set(command.chat, { id: command.chat, title: command.title, changedMs: atMs })
    } else if (command.type === 'rename_chat') {
      const chat = list.get(command.chat)
      if (chat) list.set(chat.id, { ...chat, title: command.title })
    } else if (command.type === 'delete_chat') {
      list.delete(command.chat)
    } else if (command.type === 'send_message' && state !== 'refused') {
      const chat = list.get(command.chat)
      if (chat) list.set(chat.id, { ...chat, changedMs: Math.max(chat.changedMs, atMs) })
    }
  }
  return [...list.values()].sort(
    (one, other) => other.changedMs - one.changedMs || (one.id < other.id ? 1 : -1),
  )
}

/** The turns of one chat. A turn that did not change is the same object as before. */
export function turnsOf({ chats, pending }: Confirmed, id: string): readonly Turn[] {
  const confirmed = chats.get(id)?.turns ?? []
  const mine = pending.filter(({ command }) => 'chat' in command && command.chat === id)
  if (mine.length === 0) return confirmed
  const turns = [...confirmed]
  for (const one of mine) {
    if (one.command.type === 'regenerate') forgetReply(turns, one.command.message)
    else if (one.command.type === 'send_message' && !isThere(confirmed, one.command)) {
      turns.push(pendingTurn(one, one.command))
    }
  }
  return turns
}

export function isThere(turns: readonly Turn[], command: SendMessage): boolean {
  return turns.some((turn) => turn.id === command.message)
}

function forgetReply(turns: Turn[], message: string): void {
  const index = turns.findLastIndex((turn) => turn.id === message)
  const turn = turns[index]
  // A new answer that is already running is what was asked for.
  if (turn?.reply && turn.reply.state !== 'running') turns[index] = { ...turn, reply: null }
}

function pendingTurn({ atMs, state, code, excess }: Pending, command: SendMessage): Turn {
  const shown = state === 'acknowledged' ? 'sent' : state
  return { id: command.message, text: command.text, atMs, state: shown, code, excess, reply: null }
}

/** What of a chat the model does not see any more, as of its latest answer. */
export function cutOf({ chats }: Pick<ChatsState, 'chats'>, id: string): HistoryCut | null {
  return chats.get(id)?.turns.findLast((turn) => turn.reply)?.reply?.cut ?? null
}

export type Activity = 'idle' | 'awaiting' | 'answering'

/** Whether the chat's last turn is being answered, so that another must wait. */
export function activityOf(turns: readonly Turn[]): Activity {
  const last = turns.at(-1)
  if (!last || last.state === 'refused') return 'idle'
  if (!last.reply) return 'awaiting'
  return last.reply.state === 'running' ? 'answering' : 'idle'
}

/** Whether there is such a chat, confirmed or about to be. */
export function hasChat({ chats, pending }: Confirmed, id: string): boolean {
  const gone = pending.some(({ command }) => command.type === 'delete_chat' && command.chat === id)
  if (gone) return false
  return (
    chats.has(id) || pending.some(({ command }) => 'chat' in command && command.chat === id)
  )
}
