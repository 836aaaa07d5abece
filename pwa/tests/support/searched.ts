/** A replica in memory, and random chats in it, for the tests of the search. */
import type { ChatHead } from '../../src/chat/model'
import type { ChatEvent } from '../../src/protocol/generated'
import type { Replica } from '../../src/search/indexer'
import type { Cursor, Meta, Stretch } from '../../src/storage/replica'

export type Random = () => number

/** Mulberry32: the same numbers from 0 up to 1 for the same seed. */
export function random(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

export function oneOf<T>(random: Random, values: readonly T[]): T {
  const value = values[below(random, values.length)]
  if (value === undefined) throw new Error('There is nothing to choose from.')
  return value
}

export function uuid(number: number): string {
  return `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
}

export class SearchedReplica implements Replica {
  log = uuid(1)
  seq = 0
  before = 1
  readonly chats = new Map<string, { head: ChatHead; events: ChatEvent[] }>()
  /** How often all of a chat was read. */
  reads = 0
  /** How often a few events were looked up. */
  looks = 0
  private lastId = 100

  id(): string {
    return uuid(++this.lastId)
  }

  create(title: string): string {
    const chat = this.id()
    const head = { id: chat, title, folder: null, changedMs: 0 }
    this.chats.set(chat, { head, events: [] })
    this.add({ type: 'chat_created', seq: ++this.seq, at_ms: 0, chat, title })
    return chat
  }

  rename(chat: string, title: string): void {
    const there = this.chats.get(chat)
    if (there) there.head = { ...there.head, title }
  }

  /** A message, and its id. */
  write(chat: string, text: string, atMs = 0, message = this.id()): string {
    this.add({ type: 'message_written', seq: ++this.seq, at_ms: atMs, chat, message, text })
    return message
  }

  begin(chat: string, message: string, atMs = 0): string {
    const answer = this.id()
    this.add({ type: 'answer_begun', seq: ++this.seq, at_ms: atMs, chat, message, answer, model: '' })
    return answer
  }

  answer(chat: string, message: string, text: string, atMs = 0): void {
    const answer = this.begin(chat, message, atMs)
    const seq = ++this.seq
    this.add({ type: 'answer_ended', seq, at_ms: atMs, chat, answer, reason: 'stop', text })
  }

  add(event: ChatEvent): void {
    const there = this.chats.get(event.chat)
    there?.events.push(event)
    if (there) there.head = { ...there.head, changedMs: event.at_ms }
  }

  load() {
    const meta: Meta = {
      log: this.log,
      after: this.seq,
      before: this.before,
      head: this.seq,
      model: '',
      settings: {},
    }
    const heads = [...this.chats.values()].map(({ head }) => head)
    return Promise.resolve({ meta, heads, outbox: [] })
  }

  events(chat: string) {
    this.reads += 1
    return Promise.resolve(this.of(chat))
  }

  at(places: readonly Cursor[]) {
    this.looks += 1
    const found = places.map(([chat, seq]) => this.of(chat).find((event) => event.seq === seq) ?? null)
    return Promise.resolve(found)
  }

  hasAny(stretches: readonly Stretch[]) {
    this.looks += 1
    const found = stretches.map(([chat, first, last]) =>
      this.of(chat).some(({ seq }) => seq >= first && seq <= last),
    )
    return Promise.resolve(found)
  }

  /** What of a chat is here by now: what is older than `before` is still to come. */
  private of(chat: string): ChatEvent[] {
    const events = this.chats.get(chat)?.events ?? []
    return events.filter((event) => event.seq >= this.before)
  }
}
