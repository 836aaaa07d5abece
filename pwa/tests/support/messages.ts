import type { AnswerEnded, Event, HistoryCut, Welcome } from '../../src/protocol/generated'

/** An id of the wire's shape that says what it is for. */
export function id(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
}

export const chat = id(1)
export const message = id(2)
export const answer = id(3)

/** What a PC says to a device that has the beginning of its log, up to 0. */
export function welcomeOf(head: number, more: Partial<Welcome> = {}): Welcome {
  const [log, after, before] = [id(900), 0, 1]
  const about = { version: 1, common: 0, settings: [], model: 'test', heartbeat_s: 1 }
  return { type: 'welcome', ...about, log, head, after, before, ...more }
}

export function created(seq: number, title = 'A chat', of = chat): Event {
  return { type: 'chat_created', seq, at_ms: seq * 10, chat: of, title }
}

export function written(
  seq: number,
  text = 'Hello?',
  of = message,
  inChat = chat,
  parent: string | null = null,
): Event {
  return { type: 'message_written', seq, at_ms: seq * 10, chat: inChat, message: of, text, parent }
}

export function deleted(seq: number, of = chat): Event {
  return { type: 'chat_deleted', seq, at_ms: seq * 10, chat: of }
}

export function begun(
  seq: number,
  of = answer,
  to = message,
  inChat = chat,
  cut: HistoryCut | null = null,
): Event {
  return {
    type: 'answer_begun',
    seq,
    at_ms: seq * 10,
    chat: inChat,
    message: to,
    answer: of,
    model: 'test',
    cut,
  }
}

export function ended(seq: number, text: string, more: Partial<AnswerEnded> = {}): AnswerEnded {
  return { type: 'answer_ended', seq, at_ms: seq * 10, chat, answer, reason: 'stop', text, ...more }
}

/** The same pseudo-random numbers for the same seed (mulberry32), so that a failure repeats. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
