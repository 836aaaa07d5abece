/** What only this device has, as the chats to be brought back. */
import type { MakeId } from '../chat/commands'
import type { ChatEvent } from '../protocol/generated'
import type { Stranded } from '../chat/stranded'
import { chatFromEvents } from './events'
import type { PortableChat } from './model'

/**
 * Each whole: what the PC has of it, it passes over. An answer that ran when the backup was made was
 * cut there, so what became of it here comes as another one.
 */
export function chatsFromStranded(stranded: readonly Stranded[], makeId: MakeId): PortableChat[] {
  return stranded.flatMap(({ common, events }) => {
    const isEndedSince = ({ type, seq }: ChatEvent) => type === 'answer_ended' && seq > common
    const ended = new Set(events.filter(isEndedSince).map(answerOf))
    const isCut = (event: ChatEvent) => event.type === 'answer_begun' && ended.has(event.answer)
    const cut = events.filter((event) => isCut(event) && event.seq <= common).map(answerOf)
    const ids = new Map(cut.map((answer) => [answer, makeId()]))
    return chatFromEvents(events.map((event) => renamed(event, ids))) ?? []
  })
}

function answerOf(event: ChatEvent): string | null {
  return 'answer' in event ? event.answer : null
}

function renamed(event: ChatEvent, ids: ReadonlyMap<string | null, string>): ChatEvent {
  const id = ids.get(answerOf(event))
  return id && 'answer' in event ? { ...event, answer: id } : event
}
