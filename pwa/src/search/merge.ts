/** Several segments into one, without the documents that are gone: nor any word that only they had. */
import {
  documentCount,
  eachDocument,
  type Segment,
  SegmentWriter,
  termAt,
  termCount,
} from './segment'

/** A segment, and which of its documents are gone (1) since it was made. */
export interface Part {
  readonly id: number
  readonly segment: Segment
  readonly gone: Uint8Array
}

/** As many of about the same size become one: each document is written again once a size. */
const together = 8

/** Goes on a little at each turn, so that a search can come between. */
export function* merge(parts: readonly Part[]): Generator<void, Segment> {
  const writer = new SegmentWriter()
  const readers: Reader[] = []
  for (const part of parts) {
    readers.push(new Reader(part, take(part, writer)))
    yield
  }
  let waiting = readers.filter((reader) => reader.word !== null)
  while (waiting.length > 0) {
    let word = waiting[0]?.word ?? ''
    for (const reader of waiting) if (reader.word !== null && reader.word < word) word = reader.word
    const documents: number[] = []
    for (const reader of waiting) if (reader.word === word) reader.take(documents)
    if (documents.length > 0) writer.term(word, documents)
    waiting = waiting.filter((reader) => reader.word !== null)
    yield
  }
  return writer.end()
}

/** Those to merge next: many of about one size, or one that is more than half gone; or none. */
export function ripe(parts: readonly Part[]): readonly Part[] {
  const sizes = new Map<number, Part[]>()
  for (const part of parts) {
    const count = documentCount(part.segment)
    if (2 * countGone(part) > count) return [part]
    const size = Math.floor(Math.log(count) / Math.log(together))
    const alike = [...(sizes.get(size) ?? []), part]
    if (alike.length >= together) return alike
    sizes.set(size, alike)
  }
  return []
}

function countGone({ gone }: Part): number {
  let count = 0
  for (const one of gone) count += one
  return count
}

/** Writes the documents that are left, and tells their new numbers; -1 for one that is gone. */
function take({ segment, gone }: Part, writer: SegmentWriter): Int32Array {
  const { chats, chat, seq, turn, atMs } = segment
  const numbers = new Int32Array(documentCount(segment)).fill(-1)
  for (let at = 0; at < numbers.length; at++) {
    if (gone[at]) continue
    numbers[at] = writer.document(
      chats[chat[at] ?? 0] ?? '',
      seq[at] ?? 0,
      turn[at] ?? 0,
      atMs[at] ?? 0,
    )
  }
  return numbers
}

class Reader {
  word: string | null
  private at = 0

  constructor(
    private readonly part: Part,
    private readonly numbers: Int32Array,
  ) {
    this.word = this.read()
  }

  take(documents: number[]): void {
    eachDocument(this.part.segment, this.at, (document) => {
      const number = this.numbers[document] ?? -1
      if (number >= 0) documents.push(number)
    })
    this.at += 1
    this.word = this.read()
  }

  private read(): string | null {
    return this.at < termCount(this.part.segment) ? termAt(this.part.segment, this.at) : null
  }
}
