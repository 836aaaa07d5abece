/** What the PC's events mean, written down a second time, and plainly. */
import type { Event } from '../../../pwa/src/protocol/generated'

export interface PlainReply {
  readonly id: string
  readonly state: string
  readonly text: string
}

export interface PlainTurn {
  readonly id: string
  readonly parent: string | null
  readonly text: string
  readonly reply: PlainReply | null
}

export interface PlainChat {
  readonly title: string
  readonly folder: string | null
  /** When somebody last said something in it, by the PC's clock; its place in the list is of that. */
  readonly changedMs: number
  readonly turns: readonly PlainTurn[]
}

export type PlainChats = ReadonlyMap<string, PlainChat>

export function chatsOf(events: readonly Event[]): PlainChats {
  const deleted = new Set(events.filter((event) => event.type === 'chat_deleted').map((event) => event.chat))
  const chats = new Map<string, PlainChat>()
  for (const event of events) {
    if (event.type !== 'chat_created' || deleted.has(event.chat)) continue
    const mine = events.filter((one) => 'chat' in one && one.chat === event.chat)
    chats.set(event.chat, chatOf(event.chat, mine))
  }
  return chats
}

/** The chat in which something was said last comes first; of two at once, that with the later id. */
export function listOf(chats: PlainChats): string[] {
  const list = [...chats].map(([id, { changedMs }]) => ({ id, changedMs }))
  list.sort((one, other) => other.changedMs - one.changedMs || (other.id > one.id ? 1 : -1))
  return list.map(({ id }) => id)
}

function chatOf(chat: string, events: readonly Event[]): PlainChat {
  let title = ''
  let folder: string | null = null
  const turns: PlainTurn[] = []
  for (const event of events) {
    if (event.type === 'chat_created') [title, folder] = [event.title, event.folder ?? null]
    if (event.type === 'chat_renamed') title = event.title
    if (event.type === 'chat_moved') folder = event.folder
    if (event.type === 'message_written') {
      const { message, text } = event
      const parent = event.parent === chat ? null : event.parent ?? turns.at(-1)?.id ?? null
      turns.push({ id: message, parent, text, reply: replyTo(message, events) })
    }
  }
  const said = events.filter((event) => event.type !== 'chat_renamed' && event.type !== 'chat_moved')
  return { title, folder, changedMs: Math.max(...said.map((event) => event.at_ms)), turns }
}

/** The newest answer to a message. */
function replyTo(message: string, events: readonly Event[]): PlainReply | null {
  const begun = events.findLast((one) => one.type === 'answer_begun' && one.message === message)
  if (begun?.type !== 'answer_begun') return null
  const ended = events.find((one) => one.type === 'answer_ended' && one.answer === begun.answer)
  if (ended?.type !== 'answer_ended') return { id: begun.answer, state: 'running', text: '' }
  return { id: begun.answer, state: ended.reason, text: ended.text }
}

export function settingsOf(events: readonly Event[]): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const event of events) {
    if (event.type !== 'setting_changed') continue
    if (event.value === null) delete settings[event.name]
    else settings[event.name] = event.value
  }
  return settings
}
