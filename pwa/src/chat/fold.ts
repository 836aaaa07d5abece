/** The events of one chat into its turns, in whatever order they come. */
import type { AnswerBegun, AnswerEnded, ChatEvent, MessageWritten } from '../protocol/generated'
import { type Chat, isSettled, type Reply, type Turn } from './model'

export function emptyChat(id: string): Chat {
  return { id, turns: [], events: [] }
}

/** The same chat where nothing was new, and the same turns where they did not change. */
export function withEvents(chat: Chat, events: readonly ChatEvent[]): Chat {
  const known = new Set(chat.events.map(({ seq }) => seq))
  const fresh = events.filter(({ seq }) => !known.has(seq) && known.add(seq)).sort(bySeq)
  const [first] = fresh
  if (!first) return chat
  if (first.seq > (chat.events.at(-1)?.seq ?? 0)) {
    return { ...chat, turns: fold(chat.turns, fresh), events: [...chat.events, ...fresh] }
  }
  const all = [...chat.events, ...fresh].sort(bySeq)
  return { ...chat, turns: shared(fold([], all), chat.turns), events: all }
}

function bySeq(one: ChatEvent, other: ChatEvent): number {
  return one.seq - other.seq
}

function fold(before: readonly Turn[], events: readonly ChatEvent[]): readonly Turn[] {
  const turns = [...before]
  const places = new Map(turns.map((turn, place) => [turn.id, place]))
  const due = new Set<number>()
  for (const [place, turn] of turns.entries()) if (!isSettled(turn)) due.add(place)
  for (const event of events) {
    if (event.type === 'message_written') write(turns, places, due, event)
    else if (event.type === 'answer_begun') begin(turns, places, due, event)
    else if (event.type === 'answer_ended') end(turns, due, event)
  }
  return turns
}

/**
 * A message's answer begins with it, unless others of the chat are due: then it waits for its turn.
 *
 * @param due the places of the turns whose answers are
 */
function write(
  turns: Turn[],
  places: Map<string, number>,
  due: Set<number>,
  event: MessageWritten,
): void {
  if (places.has(event.message)) return
  const place = turns.length
  const state = due.size > 0 ? 'sent' : 'unanswered'
  places.set(event.message, place)
  if (state === 'sent') due.add(place)
  turns.push({
    id: event.message,
    // Before there were branches, each followed the one before it.
    parent: event.parent ? rooted(event.parent, event.chat) : (turns.at(-1)?.id ?? null),
    text: event.text,
    atMs: event.at_ms,
    state,
    code: null,
    excess: null,
    reply: null,
  })
}

/** On the wire the parent of the first is the chat itself. */
function rooted(parent: string, chat: string): string | null {
  return parent === chat ? null : parent
}

function begin(
  turns: Turn[],
  places: Map<string, number>,
  due: Set<number>,
  event: AnswerBegun,
): void {
  const place = places.get(event.message)
  const turn = place === undefined ? undefined : turns[place]
  if (!turn || place === undefined) return
  const reply: Reply = {
    id: event.answer,
    model: event.model,
    state: 'running',
    text: '',
    code: null,
    timings: null,
    cut: event.cut ?? null,
  }
  passOver(turns, due, place)
  turns[place] = { ...turn, state: 'sent', reply }
  due.add(place)
}

/** Answers come in the order of writing: what was written before this one waits for none. */
function passOver(turns: Turn[], due: Set<number>, place: number): void {
  // One that was brought from elsewhere meanwhile says nothing of those that wait.
  if ([...due].some((one) => turns[one]?.reply)) return
  for (const one of due) {
    const turn = turns[one]
    if (!turn || one >= place) continue
    turns[one] = { ...turn, state: 'unanswered' }
    due.delete(one)
  }
}

function end(turns: Turn[], due: Set<number>, event: AnswerEnded): void {
  const place = turns.findLastIndex((turn) => turn.reply?.id === event.answer)
  const turn = turns[place]
  if (!turn?.reply) return
  due.delete(place)
  const { reason: state, text, code = null, timings = null } = event
  turns[place] = { ...turn, reply: { ...turn.reply, state, text, code, timings } }
}

/** What is as it was stays the same object, so that it is not drawn again. */
function shared(turns: readonly Turn[], before: readonly Turn[]): readonly Turn[] {
  const there = new Map(before.map((turn) => [turn.id, turn]))
  return turns.map((turn) => {
    const old = there.get(turn.id)
    return old && isSame(old, turn) ? old : turn
  })
}

function isSame({ reply, ...turn }: Turn, { reply: other, ...rest }: Turn): boolean {
  if (!haveSame(turn, rest)) return false
  return reply && other ? haveSame(reply, other) : reply === other
}

function haveSame<T extends object>(one: T, other: T): boolean {
  return Object.entries(one).every(([name, value]) => value === other[name as keyof T])
}
