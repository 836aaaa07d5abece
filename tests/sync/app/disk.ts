/** A device's storage: the app's own replica in memory, which is slow, full, or loses its power. */
import type { Event } from '../../../pwa/src/protocol/generated'
import { MemoryReplica } from '../../../pwa/src/storage/memoryReplica'
import {
  type Change,
  type Cursor,
  type Kept,
  type ReplicaStorage,
  StorageFull,
} from '../../../pwa/src/storage/replica'
import type { Stranded } from '../../../pwa/src/chat/stranded'
import type { Random } from './random'

export type Said = Extract<Event, { type: 'message_written' | 'answer_ended' }>

export function isSaid(event: Event): event is Said {
  return event.type === 'message_written' || event.type === 'answer_ended'
}

/** One browser's disk. Its tabs share it; a tab that dies leaves undone what had not begun. */
export class Disk {
  /** Whether work waits until the scheduler has it done. */
  isSlow = false
  isFull = false
  private replica = new MemoryReplica()
  private waiting: { by: DiskOfTab; work: () => void }[] = []
  private changes: Change[] = []
  /** So often it was written. */
  writes = 0
  /** So many of the changes no loss of power takes back. */
  private writtenThrough = 0
  /** What was ever said in chats that were not erased since, with the log that it was of then. */
  private words: { readonly one: Said; readonly log: string | null }[] = []
  /** Chats that were erased in the log that it is of. */
  private deleted = new Set<string>()
  private log: string | null = null
  /** By chat of that log, the number that it was begun at. */
  private begun = new Map<string, number>()
  /** The newest number of that log that any tab has written. */
  private after = 0
  /** The newest list of that log, and the number that it is of. */
  private listed: { readonly chats: ReadonlySet<string>; readonly after: number } | null = null
  /** Ids of the commands in the outbox. */
  private outbox = new Set<string>()

  of(): DiskOfTab {
    return new DiskOfTab(this)
  }

  /** What it has to have still, of the PC's log or set aside. */
  get said(): Said[] {
    return this.words.map(({ one }) => one)
  }

  /** Whether a command is in the outbox. */
  keeps(id: string): boolean {
    return this.outbox.has(id)
  }

  /** All of it, as a new tab would read it. */
  async contents(): Promise<Kept & { events: Event[]; stranded: Stranded[] }> {
    const { events } = await this.replica.all(null, Infinity)
    return { ...(await this.replica.load()), events, stranded: await this.replica.stranded() }
  }

  /** What was not written through may be lost, from some point on. */
  losePower(random: Random): void {
    this.waiting = []
    const lasting = this.writtenThrough + random.below(this.changes.length - this.writtenThrough + 1)
    const changes = this.changes.slice(0, lasting)
    this.replica = new MemoryReplica()
    this.changes = []
    this.forget()
    for (const change of changes) this.put(change)
  }

  get isIdle(): boolean {
    return this.waiting.length === 0
  }

  /** Does so much of what waits. */
  go(count: number): void {
    for (const { work } of this.waiting.splice(0, count)) work()
  }

  /** A tab is gone: of what it asked for the beginning may still be done. */
  drop(tab: DiskOfTab, random: Random): void {
    tab.isGone = true
    const all = this.waiting
    this.waiting = all.filter(({ by }) => by !== tab)
    const mine = all.filter(({ by }) => by === tab)
    for (const { work } of mine.slice(0, random.below(4))) work()
  }

  later<T>(by: DiskOfTab, work: (replica: MemoryReplica) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (by.isGone) return
      const act = () => {
        try {
          resolve(work(this.replica))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      if (this.isSlow || this.waiting.length > 0) this.waiting.push({ by, work: act })
      else act()
    })
  }

  write(change: Change): Promise<boolean> {
    if (this.isFull && (change.add?.length || change.events?.length)) throw new StorageFull()
    return this.put(change)
  }

  private put(change: Change): Promise<boolean> {
    this.writes++
    this.changes.push(change)
    for (const { command } of change.add ?? []) this.outbox.add(command.id)
    for (const id of change.remove ?? []) this.outbox.delete(id)
    this.note(change)
    // What is added to the outbox is written through, and all before it with it.
    if (change.add?.length) this.writtenThrough = this.changes.length
    return this.replica.write(change)
  }

  /** A tab that is still at the log before is too late with what it heard, or before a deletion in it. */
  private note({ clear, common = 0, meta, isList, heads = [], events = [], erase = [] }: Change): void {
    if (clear !== undefined && clear !== this.log) {
      // What the log that follows has too is the PC's to keep, and comes again.
      this.words = this.words.filter(({ one, log }) => log !== this.log || one.seq > common)
      this.log = clear
      this.deleted.clear()
      this.begun = new Map([...this.begun].filter(([, seq]) => seq <= common))
      this.after = 0
      this.listed = null
    } else if (isList) this.log ??= meta?.log ?? null
    const { log } = this
    if (!meta || meta.log === log) for (const chat of erase) this.deleted.add(chat)
    if (meta && meta.log === log) {
      this.words.push(...events.filter(isSaid).map((one) => ({ one, log })))
      for (const event of events) if (event.type === 'chat_created') this.begun.set(event.chat, event.seq)
      if (isList && meta.after >= this.after) {
        this.listed = { chats: new Set(heads.map(({ id }) => id)), after: meta.after }
      }
      this.after = Math.max(this.after, meta.after)
    }
    this.words = this.words.filter((word) => {
      const { chat } = word.one
      const isOfLog = word.log === log
      return !this.deleted.has(chat) && !this.isUnlisted(word) && (isOfLog || !erase.includes(chat))
    })
  }

  /** A chat of this log that a later list does not name was deleted from it. */
  private isUnlisted({ one: { chat, seq }, log }: { one: Said; log: string | null }): boolean {
    if (!this.listed || this.listed.chats.has(chat)) return false
    return (log === this.log ? seq : (this.begun.get(chat) ?? Infinity)) <= this.listed.after
  }

  private forget(): void {
    this.outbox.clear()
    this.words = []
    this.deleted.clear()
    this.log = null
    this.begun.clear()
    this.after = 0
    this.listed = null
  }

  erase(): Promise<void> {
    this.changes = []
    this.writtenThrough = 0
    this.forget()
    return this.replica.destroy()
  }
}

/** What one tab has open. */
export class DiskOfTab implements ReplicaStorage {
  /** Nobody asks for anything any more, and nobody is answered. */
  isGone = false

  constructor(private readonly disk: Disk) {}

  load(): Promise<Kept> {
    return this.disk.later(this, (replica) => replica.load())
  }

  events(chat: string, log?: string): Promise<Event[]> {
    return this.disk.later(this, (replica) => replica.events(chat, log))
  }

  all(after: Cursor | null, limit: number): Promise<{ events: Event[]; next: Cursor | null }> {
    return this.disk.later(this, (replica) => replica.all(after, limit))
  }

  stranded(): Promise<Stranded[]> {
    return this.disk.later(this, (replica) => replica.stranded())
  }

  write(change: Change): Promise<boolean> {
    return this.disk.later(this, () => this.disk.write(change))
  }

  close(): void {
    // Nothing is held open.
  }

  destroy(): Promise<void> {
    return this.disk.later(this, () => this.disk.erase())
  }
}
