/** A replica where the browser keeps nothing, as in private windows: it goes with the page. */
import type { ChatHead, Pending } from '../chat/model'
import type { Event } from '../protocol/generated'
import type { Change, Cursor, Kept, Meta, ReplicaStorage } from './replica'
import { merge } from './replicaChange'
import { isDeleted, setBack, type Stranded, strandedIn } from '../chat/stranded'

export class MemoryReplica implements ReplicaStorage {
  private meta: Meta | null = null
  /** The log that it was cleared for last. */
  private begun: string | null = null
  private heads = new Map<string, ChatHead>()
  /** By chat, '' for those of none, and number. */
  private readonly chats = new Map<string, Map<number, Event>>()
  private outbox: Pending[] = []
  private aside: Stranded[] = []

  load(): Promise<Kept> {
    const { meta, heads, outbox } = this
    return Promise.resolve({ meta, heads: [...heads.values()], outbox: [...outbox] })
  }

  events(chat: string, log = this.meta?.log): Promise<Event[]> {
    const events = log === this.meta?.log ? [...(this.chats.get(chat)?.values() ?? [])] : []
    return Promise.resolve(events.sort((one, other) => one.seq - other.seq))
  }

  async all(after: Cursor | null, limit: number) {
    const page: { event: Event; cursor: Cursor }[] = []
    for (const chat of [...this.chats.keys()].sort()) {
      if (after && chat < after[0]) continue
      for (const event of await this.events(chat)) {
        if (after && chat === after[0] && event.seq <= after[1]) continue
        if (page.length < limit) page.push({ event, cursor: [chat, event.seq] })
      }
    }
    const last = page.length < limit ? undefined : page.at(-1)
    return { events: page.map(({ event }) => event), next: last?.cursor ?? null }
  }

  stranded(): Promise<Stranded[]> {
    return Promise.resolve([...this.aside])
  }

  write(change: Change): Promise<boolean> {
    const { clears, meta, takesHeads, erases } = merge(this.meta, this.begun, change)
    if (clears) {
      const { clear = null, common = 0 } = change
      if (this.meta || this.begun !== clear) this.setAside(common)
      this.begun = clear
      this.meta = null
      this.heads.clear()
      this.chats.clear()
    }
    if (meta) {
      this.meta = meta
      if (takesHeads && change.isList) this.keepOnly(new Set(change.heads?.map(({ id }) => id)))
      if (takesHeads) for (const head of change.heads ?? []) this.heads.set(head.id, head)
      for (const event of change.events ?? []) {
        if (takesHeads || !('chat' in event) || this.heads.has(event.chat)) this.put(event)
      }
    }
    for (const chat of erases ? (change.erase ?? []) : []) {
      this.heads.delete(chat)
      this.chats.delete(chat)
    }
    const gone = new Set([...(change.erase ?? []), ...(change.land ?? [])])
    this.aside = this.aside.filter(({ chat }) => !gone.has(chat))
    this.writeOutbox(change)
    return Promise.resolve(!change.meta || meta !== null)
  }

  close(): void {
    // What goes with the page needs no closing.
  }

  destroy(): Promise<void> {
    this.meta = this.begun = null
    this.heads.clear()
    this.chats.clear()
    this.outbox = []
    this.aside = []
    return Promise.resolve()
  }

  private setAside(common: number): void {
    this.aside = this.aside.map((one) => setBack(one, common))
    if (!this.meta) return
    for (const [chat, head] of this.heads) {
      const events = [...(this.chats.get(chat)?.values() ?? [])]
      const stranded = strandedIn(head, this.meta.log, common, events)
      if (stranded) this.aside.push(stranded)
    }
  }

  private keepOnly(listed: ReadonlySet<string>): void {
    this.aside = this.aside.filter((one) => !isDeleted(one, listed))
    for (const chat of [...this.heads.keys(), ...this.chats.keys()]) {
      if (chat === '' || listed.has(chat)) continue
      this.heads.delete(chat)
      this.chats.delete(chat)
    }
  }

  private put(event: Event): void {
    const chat = 'chat' in event ? event.chat : ''
    const events = this.chats.get(chat) ?? new Map<number, Event>()
    this.chats.set(chat, events.set(event.seq, event))
  }

  private writeOutbox({ add = [], replace = [], told = [], remove = [] }: Change): void {
    const replaced = new Map(replace.map((one) => [one.command.id, one]))
    const removed = new Set(remove)
    this.outbox = [...this.outbox, ...add]
      .map((one) => replaced.get(one.command.id) ?? one)
      .map((one) => (told.includes(one.command.id) ? { ...one, told: true } : one))
      .filter((one) => !removed.has(one.command.id))
  }
}
