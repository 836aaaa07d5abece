/** Keeps the index up to what the replica holds, a little at a time, and answers from it. */
import type { ChatHead } from '../chat/model'
import type { Event } from '../protocol/generated'
import type { Meta, ReplicaLookup, ReplicaStorage, Stretch } from '../storage/replica'
import { documents } from './documents'
import { type Change, type IndexStorage, nothingKept } from './kept'
import { type Found, find } from './rank'
import { SearchIndex } from './searchIndex'
import { type Breath, Slices } from './slices'
import { snippet } from './snippet'
import type { SearchHit, SearchResult } from './types'
import { words } from './words'

/** What the indexer reads of a replica. */
export type Replica = Pick<ReplicaStorage, 'load' | 'events'> & ReplicaLookup

export interface IndexerNeeds extends Breath {
  /** Milliseconds since 1970. */
  wallClock: () => number
  /** Waits for so long, or less. */
  rest: (ms: number) => Promise<void>
}

/** What comes in makes a segment no later than with so many documents. */
const segmentDocuments = 256
/** So many are read again if the page is closed meanwhile: what is merged soon is not worth a write. */
const keptDocuments = 4096
/** More words than anybody searches for: what was pasted by mistake. */
const queryWords = 16

export class Indexer {
  private index = new SearchIndex()
  /** The words of the title of every chat that there is. */
  private titles = new Map<string, string[]>()
  private readonly touchedChats = new Set<string>()
  private isStale = true
  /** Whether the replica was compared with what was kept of it the last time. */
  private isCompared = false
  private running: Promise<void> | null = null

  /** @param kept null where the index cannot outlive the page. */
  constructor(
    private readonly replica: Replica,
    private kept: IndexStorage | null,
    private readonly needs: IndexerNeeds,
  ) {}

  /** Nothing that the replica had when it was last touched is missing in the index. */
  get isComplete(): boolean {
    return this.running === null && !this.isStale
  }

  /** Reads what is kept; after it there are answers. What is missing comes by `catchUp`. */
  async open(): Promise<void> {
    const kept = (await this.kept?.load().catch(nothingKept)) ?? nothingKept()
    this.index = new SearchIndex(kept)
    const { meta, heads } = await this.replica.load()
    if (meta?.log === kept.log) this.setTitles(heads)
  }

  /** Of these chats the replica has other events now, or another title; `erased` are gone. */
  touched(chats: readonly string[], erased: readonly string[]): Promise<void> {
    for (const chat of chats) this.touchedChats.add(chat)
    for (const chat of erased) this.titles.delete(chat)
    this.isStale = true
    return this.catchUp()
  }

  /** Until nothing is missing. Rejects where the replica does. */
  catchUp(): Promise<void> {
    if (this.isStale) this.running ??= this.passes()
    return this.running ?? Promise.resolve()
  }

  async search(text: string, limit: number): Promise<SearchResult> {
    const query = [...new Set(words(text))].slice(0, queryWords)
    const found = find(this.index.parts, this.titles, query, limit, this.needs.wallClock())
    const complete = this.isComplete
    const [turns, hits] = await this.lookUp(found)
    const all = found.map((one, at) => hitOf(one, turns[at], hits[at], query))
    return { hits: all.filter((hit) => hit !== null), complete }
  }

  private async passes(): Promise<void> {
    try {
      while (this.isStale) {
        this.isStale = false
        const began = this.needs.now()
        await this.pass()
        // While the past still comes in, page after page, half of the time is left to the page.
        if (this.isStale) await this.needs.rest(this.needs.now() - began)
      }
    } finally {
      this.running = null
    }
  }

  private async pass(): Promise<void> {
    const slices = new Slices(this.needs)
    const touched = new Set(this.touchedChats)
    this.touchedChats.clear()
    const { meta, heads } = await this.replica.load()
    if (meta === null || meta.log !== this.index.log) {
      this.index = new SearchIndex({ ...nothingKept(), log: meta?.log ?? null })
      await this.keep({ log: this.index.log })
    }
    this.setTitles(heads)
    await this.index.forget((chat) => !this.titles.has(chat), slices)
    await this.keep(this.index.take())
    if (meta === null) return
    let unkept = 0
    const { after, before } = meta
    const behind = await this.behind(heads, meta)
    for (const { id } of [...heads].sort((one, other) => other.changedMs - one.changedMs)) {
      if (!touched.has(id) && !behind.has(id)) continue
      // Whatever it was touched for up to now is read now.
      this.touchedChats.delete(id)
      const found = documents(await this.replica.events(id))
      await this.index.replace(id, found, { after, before }, slices)
      if (this.index.waiting < segmentDocuments) continue
      unkept += this.index.waiting
      await this.index.settle(slices)
      if (unkept < keptDocuments) continue
      unkept = 0
      await this.keep(this.index.take())
    }
    await this.index.settle(slices)
    await this.keep(this.index.take())
    this.isCompared = true
  }

  /** The chats that have events which were not read, without reading any. */
  private async behind(heads: readonly ChatHead[], meta: Meta): Promise<ReadonlySet<string>> {
    const { ranges } = this.index
    const behind = new Set(heads.flatMap(({ id }) => (ranges.has(id) ? [] : [id])))
    // From then on whoever writes to the replica says so.
    if (this.isCompared) return behind
    const stretches = heads.flatMap(({ id }): Stretch[] => {
      const range = ranges.get(id)
      if (!range) return []
      return [
        [id, range.after + 1, meta.after],
        [id, meta.before, range.before - 1],
      ]
    })
    const has = await this.replica.hasAny(stretches)
    for (const [at, [id]] of stretches.entries()) if (has[at]) behind.add(id)
    return behind
  }

  /** Where it cannot be kept nothing of it is: what is deleted must be gone from there too. */
  private async keep(change: Change | null): Promise<void> {
    const { kept } = this
    if (!kept || !change) return
    try {
      await kept.write(change)
    } catch {
      this.kept = null
      await kept.erase().catch(() => undefined)
    }
  }

  /** The messages that were found or answered, and what was found. */
  private async lookUp(found: readonly Found[]): Promise<[Looked, Looked]> {
    const turns = found.map(({ chat, turn }) => [chat, turn] as const)
    const events = await this.replica.at([...turns, ...found.map(({ chat, seq }) => [chat, seq] as const)])
    return [events.slice(0, found.length), events.slice(found.length)]
  }

  private setTitles(heads: readonly ChatHead[]): void {
    this.titles = new Map(heads.map(({ id, title }) => [id, words(title)]))
  }
}

type Looked = readonly (Event | null)[]

/** Null where it was deleted since. */
function hitOf(
  { chat, seq, turn, atMs }: Found,
  message: Event | null | undefined,
  found: Event | null | undefined,
  query: string[],
): SearchHit | null {
  if (message?.type !== 'message_written' || !found || !('text' in found)) return null
  return { chat, message: message.message, inAnswer: turn !== seq, snippet: snippet(found.text, query), atMs }
}
