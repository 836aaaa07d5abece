/** All segments of the index: what comes and goes, and what of it is to be kept. */
import type { Document } from './documents'
import { type Change, type Kept, nothingKept, type Range } from './kept'
import { merge, type Part, ripe } from './merge'
import { documentCount, type Segment, SegmentBuilder } from './segment'
import type { Slices } from './slices'

export class SearchIndex {
  readonly log: string | null
  parts: readonly Part[]
  readonly ranges: Map<string, Range>
  private builder = new SegmentBuilder()
  private nextId: number
  private kept: readonly Part[]
  /** What was done since the last change was taken. */
  private readonly read = new Set<string>()
  private readonly forgotten = new Set<string>()
  private readonly holed = new Set<Part>()

  constructor(kept: Kept = nothingKept()) {
    this.log = kept.log
    this.parts = kept.parts
    this.kept = kept.parts
    this.ranges = kept.ranges
    this.nextId = kept.parts.reduce((next, { id }) => Math.max(next, id + 1), 0)
  }

  /** Documents that wait to become a segment, and cannot be found yet. */
  get waiting(): number {
    return this.builder.documents
  }

  /** Makes the documents of a chat those that it has now; `range` is what was read of it. */
  async replace(
    chat: string,
    documents: readonly Document[],
    range: Range,
    slices: Slices,
  ): Promise<void> {
    const missing = new Map(documents.map((document) => [document.seq, document]))
    for (const part of this.parts) {
      for (const at of documentsOf(part, chat)) {
        const seq = part.segment.seq[at] ?? 0
        if (missing.delete(seq)) continue
        part.gone[at] = 1
        this.holed.add(part)
      }
    }
    for (const document of missing.values()) {
      this.builder.add(document)
      await slices.next()
    }
    this.ranges.set(chat, range)
    this.read.add(chat)
  }

  /** Makes what waits a segment, which can be found from now on, and merges what is ripe for it. */
  async settle(slices: Slices): Promise<void> {
    if (this.waiting > 0) this.parts = [...this.parts, this.part(this.builder.end())]
    this.builder = new SegmentBuilder()
    for (let drop = ripe(this.parts); drop.length > 0; drop = ripe(this.parts)) {
      await this.rewrite(drop, slices)
    }
  }

  /** Removes chats with every word that only they had. */
  async forget(isGone: (chat: string) => boolean, slices: Slices): Promise<void> {
    for (const chat of [...this.ranges.keys()].filter(isGone)) {
      this.ranges.delete(chat)
      this.forgotten.add(chat)
    }
    const drop = this.parts.filter(({ segment }) => segment.chats.some(isGone))
    for (const { segment, gone } of drop) {
      const local = segment.chats.map(isGone)
      segment.chat.forEach((chat, at) => {
        if (local[chat]) gone[at] = 1
      })
    }
    if (drop.length > 0) await this.rewrite(drop, slices)
  }

  /** What is to be kept otherwise than it was; null where that is nothing. */
  take(): Change | null {
    const { parts, kept, ranges } = this
    const drop = kept.filter((part) => !parts.includes(part))
    const add = parts.filter((part) => !kept.includes(part))
    const gone = parts.filter((part) => this.holed.has(part))
    const forget = [...this.forgotten]
    const read = [...this.read].flatMap((chat) => {
      const range = ranges.get(chat)
      return range ? [[chat, range] as const] : []
    })
    this.kept = parts
    this.holed.clear()
    this.forgotten.clear()
    this.read.clear()
    const isEmpty = [drop, add, gone, forget, read].every((one) => one.length === 0)
    return isEmpty ? null : { drop, add, gone, forget, ranges: read }
  }

  private async rewrite(drop: readonly Part[], slices: Slices): Promise<void> {
    const segment = await slices.run(merge(drop))
    const add = documentCount(segment) === 0 ? [] : [this.part(segment)]
    this.parts = [...this.parts.filter((part) => !drop.includes(part)), ...add]
  }

  private part(segment: Segment): Part {
    return { id: this.nextId++, segment, gone: new Uint8Array(documentCount(segment)) }
  }
}

/** The documents of a chat that are still there. */
function* documentsOf({ segment, gone }: Part, chat: string): Generator<number> {
  const local = segment.chats.indexOf(chat)
  if (local < 0) return
  for (let at = segment.chat.indexOf(local); at >= 0; at = segment.chat.indexOf(local, at + 1)) {
    if (!gone[at]) yield at
  }
}
