/** All segments of the index: what comes and goes, and what of that is to be kept. */
import type { Document } from './documents'
import { type Change, type Kept, nothingKept, type Range } from './kept'
import { merge, type Part, ripe } from './merge'
import { documentCount, type Segment, SegmentBuilder } from './segment'
import type { Slices } from './slices'

export class SearchIndex {
  log: string | null
  parts: readonly Part[]
  readonly ranges: Map<string, Range>
  private builder = new SegmentBuilder()
  private nextId: number
  /** What was done since the last change was taken. */
  private readonly read = new Map<string, Range>()
  private readonly holed = new Set<Part>()

  constructor(kept: Kept = nothingKept()) {
    this.log = kept.log
    this.parts = kept.parts
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
    this.read.set(chat, range)
  }

  /** Makes what waits a segment, which can be found from now on, and says what to keep of it all. */
  take(): Change {
    const add: Part[] = []
    if (this.builder.documents > 0) add.push(this.part(this.builder.end()))
    this.builder = new SegmentBuilder()
    this.parts = [...this.parts, ...add]
    const change: Change = { add, gone: [...this.holed], ranges: new Map(this.read) }
    this.holed.clear()
    this.read.clear()
    return change
  }

  /** Merges what is ripe for it; null where nothing is. All else must have been taken before. */
  async tidy(slices: Slices): Promise<Change | null> {
    const drop = ripe(this.parts)
    return drop.length === 0 ? null : this.rewrite(drop, slices)
  }

  /** Removes chats with every word that only they had; null where there is nothing of them. */
  async forget(isGone: (chat: string) => boolean, slices: Slices): Promise<Change | null> {
    const forget = [...this.ranges.keys()].filter(isGone)
    for (const chat of forget) this.ranges.delete(chat)
    const drop = this.parts.filter(({ segment }) => segment.chats.some(isGone))
    if (drop.length === 0) return forget.length === 0 ? null : { forget }
    for (const part of drop) {
      const local = part.segment.chats.map(isGone)
      part.segment.chat.forEach((chat, at) => {
        if (local[chat]) part.gone[at] = 1
      })
    }
    return { ...(await this.rewrite(drop, slices)), forget }
  }

  private async rewrite(drop: readonly Part[], slices: Slices): Promise<Change> {
    const segment = await slices.run(merge(drop))
    const add = documentCount(segment) === 0 ? [] : [this.part(segment)]
    this.parts = [...this.parts.filter((part) => !drop.includes(part)), ...add]
    return { drop, add }
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
