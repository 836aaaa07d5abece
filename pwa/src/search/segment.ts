/**
 * A part of the index that never changes: its words in order, and for each the documents that have
 * it. All of it is one string and typed arrays, so that it takes little memory and is kept as it is.
 */
import type { Document } from './documents'
import { words } from './words'

export interface Segment {
  /** All words, sorted by UTF-16 units, one after the other. */
  readonly terms: string
  /** Where each word ends in `terms`. */
  readonly termEnds: Uint32Array
  /** For each word its documents, ascending: differences as LEB128, seven bits a byte. */
  readonly postings: Uint8Array
  /** Where the documents of each word end in `postings`. */
  readonly postingEnds: Uint32Array
  readonly chats: readonly string[]
  /** For each document: its chat in `chats`, */
  readonly chat: Uint32Array
  /** the number of its event, */
  readonly seq: Float64Array
  /** the number of the message that it is, or that it answers, */
  readonly turn: Float64Array
  /** and its time. */
  readonly atMs: Float64Array
}

export function termCount(segment: Segment): number {
  return segment.termEnds.length
}

export function documentCount(segment: Segment): number {
  return segment.seq.length
}

export function termAt({ terms, termEnds }: Segment, index: number): string {
  return terms.slice(index === 0 ? 0 : termEnds[index - 1], termEnds[index])
}

/** The first word that does not come before `word`. */
export function firstFrom(segment: Segment, word: string): number {
  let low = 0
  let high = termCount(segment)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (termAt(segment, middle) < word) low = middle + 1
    else high = middle
  }
  return low
}

export function eachDocument(
  { postings, postingEnds }: Segment,
  term: number,
  visit: (document: number) => void,
): void {
  const end = postingEnds[term] ?? 0
  let document = -1
  for (let at = term === 0 ? 0 : (postingEnds[term - 1] ?? 0); at < end; ) {
    let step = 0
    for (let shift = 0; ; shift += 7) {
      const byte = postings[at++] ?? 0
      step |= (byte & 127) << shift
      if (byte < 128) break
    }
    visit((document += step))
  }
}

/** Writes a segment: documents in order, then words in order, each with its documents in order. */
export class SegmentWriter {
  private readonly chatOf = new Map<string, number>()
  private readonly chat: number[] = []
  private readonly seq: number[] = []
  private readonly turn: number[] = []
  private readonly atMs: number[] = []
  private readonly terms: string[] = []
  private readonly termEnds: number[] = []
  private readonly postingEnds: number[] = []
  private postings = new Uint8Array(4096)
  private written = 0
  private termEnd = 0

  get documents(): number {
    return this.seq.length
  }

  document(chat: string, seq: number, turn: number, atMs: number): number {
    const index = this.chatOf.get(chat) ?? this.chatOf.size
    this.chatOf.set(chat, index)
    this.chat.push(index)
    this.seq.push(seq)
    this.turn.push(turn)
    this.atMs.push(atMs)
    return this.seq.length - 1
  }

  term(word: string, documents: readonly number[]): void {
    let last = -1
    for (const document of documents) {
      this.number(document - last)
      last = document
    }
    this.terms.push(word)
    this.termEnds.push((this.termEnd += word.length))
    this.postingEnds.push(this.written)
  }

  end(): Segment {
    return {
      terms: this.terms.join(''),
      termEnds: Uint32Array.from(this.termEnds),
      postings: this.postings.slice(0, this.written),
      postingEnds: Uint32Array.from(this.postingEnds),
      chats: [...this.chatOf.keys()],
      chat: Uint32Array.from(this.chat),
      seq: Float64Array.from(this.seq),
      turn: Float64Array.from(this.turn),
      atMs: Float64Array.from(this.atMs),
    }
  }

  private number(value: number): void {
    if (this.written + 5 > this.postings.length) {
      const larger = new Uint8Array(this.postings.length * 2)
      larger.set(this.postings)
      this.postings = larger
    }
    let rest = value
    while (rest > 127) {
      this.postings[this.written++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.postings[this.written++] = rest
  }
}

/** Takes documents in any order and makes them a segment. */
export class SegmentBuilder {
  private readonly writer = new SegmentWriter()
  private readonly postings = new Map<string, number[]>()

  get documents(): number {
    return this.writer.documents
  }

  add({ chat, seq, turn, atMs, text }: Document): void {
    const document = this.writer.document(chat, seq, turn, atMs)
    for (const word of words(text)) {
      const there = this.postings.get(word)
      if (!there) this.postings.set(word, [document])
      else if (there.at(-1) !== document) there.push(document)
    }
  }

  end(): Segment {
    // Without a comparison of its own the sort is by UTF-16 units, as `<` is.
    for (const word of [...this.postings.keys()].sort()) {
      this.writer.term(word, this.postings.get(word) ?? [])
    }
    return this.writer.end()
  }
}
