/** Writes behind what is in memory, in order, and knows what is not written yet. */
import type { Pending } from '../chat/model'
import type { Event } from '../protocol/generated'
import { type Change, type Kept, type ReplicaStorage, StorageFull } from '../storage/replica'
import { idsOf, isOfOutbox } from '../storage/replicaChange'
import type { Stranded } from '../chat/stranded'

/** So many changes may wait before whoever brings more of the past waits too. */
const roomFor = 8

const nobody: Kept = { meta: null, heads: [], outbox: [] }

export class Disk {
  /** There was no room: what the PC said since is in memory only. */
  full = false
  /** It cannot be written any more, for another reason. */
  broken = false
  /** Another tab has gone over to another log: of this one nothing more is taken until it begins anew. */
  apart = false
  private storage: ReplicaStorage | null = null
  /** In memory only: still under way, or for good where the disk is full. */
  private readonly unwritten = new Set<Change>()
  private underWay = 0
  private tail: Promise<void> = Promise.resolve()
  private outboxTail: Promise<void> = Promise.resolve()
  /** By command, the last change of it that is under way. */
  private readonly lastOf = new Map<string, Promise<void>>()
  /** By reading of the outbox that is under way, what became of it since that began. */
  private readonly readings = new Set<{ readonly added: Pending[]; readonly removed: Set<string> }>()

  /** Gives what is kept. What is written meanwhile comes after it. */
  open(opening: Promise<ReplicaStorage>): Promise<Kept> {
    const loaded = opening.then(async (storage) => {
      this.storage = storage
      return storage.load().catch(() => {
        this.broken = true
        return nobody
      })
    })
    this.tail = this.outboxTail = loaded.then(() => undefined)
    return loaded
  }

  /**
   * Done when it is written, or cannot be: `full` and `broken` tell. What is of the outbox alone waits
   * for no page of the past, since until it is written it is nowhere else; but for what was written
   * of the same command beside one.
   */
  write(change: Change): Promise<void> {
    for (const { added, removed } of this.readings) {
      added.push(...(change.add ?? []))
      for (const id of change.remove ?? []) removed.add(id)
    }
    if (!isOfOutbox(change)) return (this.tail = this.after([this.tail], change))
    const ofSame = idsOf(change).flatMap((id) => this.lastOf.get(id) ?? [])
    this.outboxTail = this.after([this.outboxTail, ...ofSame], change)
    this.tail = Promise.all([this.tail, this.outboxTail]).then(() => undefined)
    return this.outboxTail
  }

  /** Of one chat of this tab's log by number, with those that are not written yet. */
  async events(chat: string, log: string): Promise<Event[]> {
    const changes = [...this.unwritten]
    // Before that, what is on disk and what is on its way there is of another log, or was deleted.
    const anew = changes.findLastIndex(
      ({ clear, erase }) => clear !== undefined || erase?.includes(chat),
    )
    const late = changes
      .slice(Math.max(0, anew))
      .flatMap(({ events = [] }) => events)
      .filter((event) => 'chat' in event && event.chat === chat)
    const kept = anew < 0 ? await this.read((storage) => storage.events(chat, log)) : []
    const all = new Map([...kept, ...late].map((event) => [event.seq, event]))
    return [...all.values()].sort((one, other) => one.seq - other.seq)
  }

  /**
   * Hands over the outbox as the tabs left it together, with what this one did meanwhile; not where
   * this tab's part of it is not on disk.
   */
  async readOutbox(use: (outbox: readonly Pending[]) => void): Promise<void> {
    const since = { added: [] as Pending[], removed: new Set<string>() }
    for (const { remove = [] } of this.unwritten) for (const id of remove) since.removed.add(id)
    this.readings.add(since)
    const reading = this.tail.then(() => this.storage?.load()).catch(() => undefined)
    this.tail = reading.then(() => undefined)
    const kept = await reading
    this.readings.delete(since)
    if (!kept || this.full || this.broken) return
    const there = new Set(kept.outbox.map(({ command }) => command.id))
    const late = since.added.filter(({ command }) => !there.has(command.id))
    use([...kept.outbox, ...late].filter(({ command }) => !since.removed.has(command.id)))
  }

  /** As far as it is on disk. */
  async stranded(): Promise<Stranded[]> {
    await this.tail
    return this.read((storage) => storage.stranded())
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

  private after(others: readonly Promise<void>[], change: Change): Promise<void> {
    this.unwritten.add(change)
    this.underWay++
    const written = Promise.all(others).then(() => this.put(change))
    for (const id of idsOf(change)) {
      this.lastOf.set(id, written)
      void written.then(() => this.lastOf.get(id) === written && this.lastOf.delete(id))
    }
    return written
  }

  private async put(change: Change): Promise<void> {
    if (change.clear !== undefined) this.apart = false
    const isStuck = this.full || this.broken
    const takes = isStuck || this.apart ? withoutGrowth(change) : change
    try {
      if (this.broken) return
      if ((await this.storage?.write(takes)) === false) this.apart = true
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
function withoutGrowth({ add, replace, told, remove, erase, land }: Change): Change {
  return { add, replace, told, remove, erase, land }
}
