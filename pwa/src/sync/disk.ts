/** Writes behind what is in memory, in order, and knows what is not written yet. */
import type { Pending } from '../chat/model'
import type { Event } from '../protocol/generated'
import { type Change, type Kept, type ReplicaStorage, StorageFull } from '../storage/replica'
import type { Stranded } from '../chat/stranded'

/** So many changes may wait before whoever brings more of the past waits too. */
const roomFor = 8

const nobody: Kept = { meta: null, heads: [], outbox: [] }

export class Disk {
  /** There was no room: what the PC said since is in memory only. */
  full = false
  /** It cannot be written any more, for another reason. */
  broken = false
  private storage: ReplicaStorage | null = null
  /** In memory only: still under way, or for good where the disk is full. */
  private readonly unwritten = new Set<Change>()
  private underWay = 0
  private tail: Promise<void> = Promise.resolve()
  private adding: Promise<void> = Promise.resolve()
  /** By reading of the outbox that is under way, what was added since it began. */
  private readonly readings = new Set<Pending[]>()

  /** Gives what is kept. What is written meanwhile comes after it. */
  open(opening: Promise<ReplicaStorage>): Promise<Kept> {
    const loaded = opening.then(async (storage) => {
      this.storage = storage
      return storage.load().catch(() => {
        this.broken = true
        return nobody
      })
    })
    this.tail = this.adding = loaded.then(() => undefined)
    return loaded
  }

  /** Done when it is written, or cannot be: `full` and `broken` tell. */
  write(change: Change): Promise<void> {
    return (this.tail = this.after(this.tail, change))
  }

  /** What a person did waits for no page of the past, since it is nowhere else until it is written. */
  add(pending: readonly Pending[]): Promise<void> {
    for (const late of this.readings) late.push(...pending)
    this.adding = this.after(this.adding, { add: pending })
    this.tail = Promise.all([this.tail, this.adding]).then(() => undefined)
    return this.adding
  }

  /** Of one chat by number, with those that are not written yet. */
  async events(chat: string): Promise<Event[]> {
    const changes = [...this.unwritten]
    // Before that, what is on disk and what is on its way there is of another log, or was deleted.
    const anew = changes.findLastIndex(
      ({ clear, erase }) => clear !== undefined || erase?.includes(chat),
    )
    const late = changes
      .slice(Math.max(0, anew))
      .flatMap(({ events = [] }) => events)
      .filter((event) => 'chat' in event && event.chat === chat)
    const kept = anew < 0 ? await this.read((storage) => storage.events(chat)) : []
    const all = new Map([...kept, ...late].map((event) => [event.seq, event]))
    return [...all.values()].sort((one, other) => one.seq - other.seq)
  }

  /**
   * The outbox as the tabs left it together, with what this one adds meanwhile; null where this tab's
   * part of it is not on disk.
   */
  async outbox(): Promise<Pending[] | null> {
    const late: Pending[] = []
    this.readings.add(late)
    const reading = this.tail.then(() => this.storage?.load()).catch(() => undefined)
    this.tail = reading.then(() => undefined)
    const kept = await reading
    this.readings.delete(late)
    if (!kept || this.full || this.broken) return null
    const there = new Set(kept.outbox.map(({ command }) => command.id))
    return [...kept.outbox, ...late.filter(({ command }) => !there.has(command.id))]
  }

  /** As far as it is on disk. */
  async stranded(): Promise<Stranded[]> {
    await this.tail
    return this.read((storage) => storage.stranded())
  }

  /** Whether a command is about to go from the outbox. */
  isRemoving(id: string): boolean {
    return [...this.unwritten].some(({ remove }) => remove?.includes(id))
  }

  get hasRoom(): boolean {
    return this.underWay < roomFor
  }

  idle(): Promise<void> {
    return this.tail
  }

  close(): void {
    void this.tail.then(() => this.storage?.close())
  }

  async destroy(): Promise<void> {
    this.broken = true
    await this.tail
    await this.storage?.destroy()
  }

  /** Nothing, where it cannot be read, or was closed meanwhile. */
  private async read<One>(what: (storage: ReplicaStorage) => Promise<One[]>): Promise<One[]> {
    try {
      return this.storage ? await what(this.storage) : []
    } catch {
      return []
    }
  }

  private after(others: Promise<void>, change: Change): Promise<void> {
    this.unwritten.add(change)
    this.underWay++
    return others.then(() => this.put(change))
  }

  private async put(change: Change): Promise<void> {
    const isStuck = this.full || this.broken
    try {
      if (this.broken) return
      await this.storage?.write(isStuck ? withoutGrowth(change) : change)
      if (!isStuck) this.unwritten.delete(change)
    } catch (error) {
      await this.giveUp(change, error)
    } finally {
      this.underWay--
    }
  }

  /** A hole in the replica would never be filled, so that from now on it stays as it is. */
  private async giveUp(change: Change, error: unknown): Promise<void> {
    if (!(error instanceof StorageFull)) {
      this.broken = true
      return
    }
    const wasFull = this.full
    this.full = true
    if (!wasFull) await this.storage?.write(withoutGrowth(change)).catch(() => undefined)
  }
}

/** What a person did, and what is to go, is written as long as it can be. */
function withoutGrowth({ add, replace, remove, erase, land }: Change): Change {
  return { add, replace, remove, erase, land }
}
