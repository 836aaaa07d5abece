/**
 * Which documents a query finds, the best first.
 *
 * Every word of the query must be in the document: as it is, as the beginning of a word, or in
 * another form (`endings.ts`). The title of a chat counts as part of its first message.
 *
 *     score = (quality + titled / 2) / (1 + age / 30 days)
 *
 * `quality` is the mean over the words of the query: 1 for a whole word, 0.6 for a beginning, 0.3 for
 * another form. `titled` is the share of the words that the chat's title has. `age` is that of the
 * document. Of equal scores the newer event is first. So what is newer comes first, unless it fits
 * worse: a whole word of three weeks ago stands beside a mere beginning of today.
 */
import { isForm, stem } from './endings'
import type { Part } from './merge'
import { documentCount, eachDocument, firstFrom, type Segment, termAt, termCount } from './segment'

export interface Found {
  readonly chat: string
  readonly seq: number
  readonly turn: number
  readonly atMs: number
  readonly score: number
}

const qualities = [0, 0.3, 0.6, 1] as const
const fadeMs = 30 * 24 * 3_600_000

/** 0: not at all; 1: another form, 2: a beginning, 3: the word itself. `beginning` is its stem. */
export function fit(word: string, wanted: string, beginning: string): 0 | 1 | 2 | 3 {
  if (word.startsWith(wanted)) return word.length === wanted.length ? 3 : 2
  return word.startsWith(beginning) && isForm(word, beginning) ? 1 : 0
}

/**
 * @param titles the words of the title of each chat; those of other chats are not found
 * @param query words that differ
 */
export function find(
  parts: readonly Part[],
  titles: ReadonlyMap<string, readonly string[]>,
  query: readonly string[],
  limit: number,
  nowMs: number,
): Found[] {
  if (query.length === 0) return []
  const best = new Best(limit)
  const titled = fitTitles(titles, query)
  const firsts = firstMessages(parts, titled)
  for (const { segment, gone } of parts) {
    const fits = query.map((wanted) => fitDocuments(segment, wanted))
    const inTitle = segment.chats.map((chat) => titled.get(chat))
    const isHidden = segment.chats.map((chat) => !titles.has(chat))
    for (let at = 0; at < documentCount(segment); at++) {
      const local = segment.chat[at] ?? 0
      if (gone[at] || isHidden[local]) continue
      const seq = segment.seq[at] ?? 0
      const title = inTitle[local]
      const chat = segment.chats[local] ?? ''
      const own = title && firsts.get(chat) === seq ? title : null
      const quality = sum(fits, at, own)
      if (quality === 0) continue
      const atMs = segment.atMs[at] ?? 0
      const boost = title ? title.filter((one) => one > 0).length / 2 : 0
      const age = Math.max(0, nowMs - atMs)
      const score = (quality + boost) / query.length / (1 + age / fadeMs)
      if (best.takes(score)) best.put({ chat, seq, turn: segment.turn[at] ?? 0, atMs, score })
    }
  }
  return best.found
}

/** The sum of the qualities of all words, 0 if one is missing. */
function sum(fits: readonly Uint8Array[], at: number, own: readonly number[] | null): number {
  let total = 0
  for (let word = 0; word < fits.length; word++) {
    const there = Math.max(fits[word]?.[at] ?? 0, own?.[word] ?? 0)
    if (there === 0) return 0
    total += qualities[there] ?? 0
  }
  return total
}

/** For each document how well its best word fits. */
function fitDocuments(segment: Segment, wanted: string): Uint8Array {
  const fits = new Uint8Array(documentCount(segment))
  const beginning = stem(wanted)
  for (let term = firstFrom(segment, beginning); term < termCount(segment); term++) {
    const word = termAt(segment, term)
    if (!word.startsWith(beginning)) break
    const quality = fit(word, wanted, beginning)
    if (quality === 0) continue
    eachDocument(segment, term, (document) => {
      if ((fits[document] ?? 0) < quality) fits[document] = quality
    })
  }
  return fits
}

/** Only chats whose title has one of the words. */
function fitTitles(
  titles: ReadonlyMap<string, readonly string[]>,
  query: readonly string[],
): Map<string, number[]> {
  const stems = query.map(stem)
  const titled = new Map<string, number[]>()
  for (const [chat, title] of titles) {
    const fits = query.map((wanted, at) =>
      title.reduce((best, word) => Math.max(best, fit(word, wanted, stems[at] ?? wanted)), 0),
    )
    if (fits.some((one) => one > 0)) titled.set(chat, fits)
  }
  return titled
}

/** The number of the first message of each of the chats. */
function firstMessages(
  parts: readonly Part[],
  chats: ReadonlyMap<string, unknown>,
): Map<string, number> {
  const firsts = new Map<string, number>()
  if (chats.size === 0) return firsts
  for (const { segment, gone } of parts) {
    const asked = segment.chats.map((chat) => chats.has(chat))
    for (let at = 0; at < documentCount(segment); at++) {
      const local = segment.chat[at] ?? 0
      const seq = segment.seq[at] ?? 0
      if (!asked[local] || gone[at] || segment.turn[at] !== seq) continue
      const chat = segment.chats[local] ?? ''
      const there = firsts.get(chat)
      if (there === undefined || seq < there) firsts.set(chat, seq)
    }
  }
  return firsts
}

/** The best so far, in order. */
class Best {
  readonly found: Found[] = []

  constructor(private readonly limit: number) {}

  takes(score: number): boolean {
    return this.found.length < this.limit || score >= (this.found.at(-1)?.score ?? 0)
  }

  put(one: Found): void {
    const at = this.found.findIndex((other) => isBefore(one, other))
    this.found.splice(at < 0 ? this.found.length : at, 0, one)
    if (this.found.length > this.limit) this.found.pop()
  }
}

function isBefore(one: Found, other: Found): boolean {
  return one.score > other.score || (one.score === other.score && one.seq > other.seq)
}
