/** The replica of one home in IndexedDB. */
import type { ChatHead, Pending } from '../chat/model'
import type { Event } from '../protocol/generated'
import {
  type Change,
  type Cursor,
  type Meta,
  type ReplicaLookup,
  type ReplicaStorage,
  StorageFull,
  type Stretch,
} from './replica'
import { idsOf, isOfOutbox, merge, type Merged } from './replicaChange'
import { ended, result } from './requests'
import { isDeleted, setBack, type Stranded, strandedIn } from '../chat/stranded'

/** The parts of a window, or of a worker, that make databases. */
export interface Databases {
  readonly indexedDB: IDBFactory
  readonly IDBKeyRange: Pick<typeof IDBKeyRange, 'bound' | 'lowerBound'>
}

/** From one version of the schema to the next, keeping what is there. */
export type Upgrade = (database: IDBDatabase, transaction: IDBTransaction) => void

/** The place of an upgrade is the version that it goes on from. A released one never changes. */
export const upgrades: readonly Upgrade[] = [
  (database) => {
    database.createObjectStore('meta')
    database.createObjectStore('heads', { keyPath: 'id' })
    database.createObjectStore('events')
    const outbox = database.createObjectStore('outbox', { autoIncrement: true })
    outbox.createIndex('id', 'command.id')
  },
  (database) => void database.createObjectStore('stranded', { keyPath: ['chat', 'log'] }),
]

const stores = ['meta', 'heads', 'events', 'outbox', 'stranded']
const reach = 'reach'
/** The log that all was cleared for last: nothing of it may be here yet. */
const begun = 'begun'
const pairing = 'pairing'

export const replicaName = (home: string) => `hearth.replica.${home}`

/**
 * Opens it, brought to the newest schema.
 *
 * @param pairedAt when this device was paired with the home: what another person, paired before,
 *   left here is dropped, the outbox too
 * @throws DOMException where this browser keeps nothing
 */
export async function openReplica(
  databases: () => Databases,
  home: string,
  pairedAt: number,
  schema: readonly Upgrade[] = upgrades,
): Promise<ReplicaStorage & ReplicaLookup> {
  const opened = await connect(databases, home, schema)
  await opened.belongTo(pairedAt)
  return opened
}

/**
 * The same for whoever only reads: a tab of before this browser was paired anew drops nothing.
 *
 * @throws DOMException where this browser keeps nothing, or what it keeps is of another pairing
 */
export async function readReplica(
  databases: () => Databases,
  home: string,
  pairedAt: number,
): Promise<ReplicaLookup & Pick<ReplicaStorage, 'load' | 'events'>> {
  const opened = await connect(databases, home, upgrades)
  if (await opened.belongsTo(pairedAt)) return opened
  opened.close()
  throw new DOMException('This device was paired anew.', 'InvalidStateError')
}

async function connect(
  databases: () => Databases,
  home: string,
  schema: readonly Upgrade[],
): Promise<ReplicaDatabase> {
  const name = replicaName(home)
  const request = databases().indexedDB.open(name, schema.length)
  request.onupgradeneeded = ({ oldVersion }) => {
    const { result: database, transaction } = request
    if (transaction) for (const step of schema.slice(oldVersion)) step(database, transaction)
  }
  const database = await result(request)
  // Another tab may know a newer schema, or forget the home.
  database.onversionchange = () => database.close()
  return new ReplicaDatabase(databases(), name, database)
}

class ReplicaDatabase implements ReplicaStorage, ReplicaLookup {
  constructor(
    private readonly databases: Databases,
    private readonly name: string,
    private readonly database: IDBDatabase,
  ) {}

  /** One that is nobody's yet is empty. */
  async belongsTo(pairedAt: number): Promise<boolean> {
    const known = this.database.transaction('meta').objectStore('meta').get(pairing)
    return [undefined, pairedAt].includes(await result<number | undefined>(known))
  }

  belongTo(pairedAt: number): Promise<void> {
    return this.change(stores, 'strict', async (store) => {
      const known = await result<number | undefined>(store('meta').get(pairing))
      if (known === pairedAt) return
      for (const name of stores) store(name).clear()
      store('meta').put(pairedAt, pairing)
    })
  }

  async load() {
    const reading = this.database.transaction(['meta', 'heads', 'outbox'])
    const [meta, heads, outbox] = await Promise.all([
      result<Meta | undefined>(reading.objectStore('meta').get(reach)),
      result<ChatHead[]>(reading.objectStore('heads').getAll()),
      result<Pending[]>(reading.objectStore('outbox').getAll()),
    ])
    return { meta: meta ?? null, heads, outbox }
  }

  async events(chat: string, log?: string): Promise<Event[]> {
    const reading = this.database.transaction(['meta', 'events'])
    const [meta, events] = await Promise.all([
      result<Meta | undefined>(reading.objectStore('meta').get(reach)),
      result<Event[]>(reading.objectStore('events').getAll(this.ofChat(chat))),
    ])
    return log === undefined || log === meta?.log ? events : []
  }

  async all(after: Cursor | null, limit: number) {
    const { IDBKeyRange } = this.databases
    const range = after && IDBKeyRange.lowerBound([...after], true)
    const events = this.database.transaction('events').objectStore('events')
    const [keys, page] = await Promise.all([
      result(events.getAllKeys(range, limit)),
      result<Event[]>(events.getAll(range, limit)),
    ])
    const last = keys.length < limit ? undefined : keys.at(-1)
    return { events: page, next: (last as Cursor | undefined) ?? null }
  }

  at(places: readonly Cursor[]) {
    const events = this.database.transaction('events').objectStore('events')
    return Promise.all(
      places.map(async (place) => (await result<Event | undefined>(events.get([...place]))) ?? null),
    )
  }

  hasAny(stretches: readonly Stretch[]) {
    const events = this.database.transaction('events').objectStore('events')
    const { IDBKeyRange } = this.databases
    return Promise.all(
      stretches.map(async ([chat, first, last]) => {
        if (first > last) return false
        return (await result(events.getKey(IDBKeyRange.bound([chat, first], [chat, last])))) !== undefined
      }),
    )
  }

  stranded(): Promise<Stranded[]> {
    const stranded = this.database.transaction('stranded').objectStore('stranded')
    return result<Stranded[]>(stranded.getAll())
  }

  async write(change: Change): Promise<boolean> {
    const scope = storesOf(change)
    let isTaken = true
    await this.change(scope, change.add?.length ? 'strict' : 'relaxed', async (store) => {
      isTaken = await this.writeReplica(store, change)
      if (scope.includes('outbox')) await this.writeOutbox(store('outbox'), change)
    })
    return isTaken
  }

  close(): void {
    this.database.close()
  }

  async destroy(): Promise<void> {
    this.close()
    await result(this.databases.indexedDB.deleteDatabase(this.name))
  }

  /** Gives whether what the PC said was taken. */
  private async writeReplica(
    store: (name: string) => IDBObjectStore,
    change: Change,
  ): Promise<boolean> {
    const { erase = [], land = [] } = change
    const { meta, erases } = await this.writeLog(store, change)
    for (const chat of erases ? erase : []) {
      store('heads').delete(chat)
      store('events').delete(this.ofChat(chat))
    }
    for (const chat of [...erase, ...land]) store('stranded').delete(this.ofChat(chat))
    return !change.meta || meta !== null
  }

  private async writeLog(
    store: (name: string) => IDBObjectStore,
    change: Change,
  ): Promise<Pick<Merged, 'meta' | 'erases'>> {
    const { heads = [], events = [] } = change
    if (!change.meta && change.clear === undefined) return { meta: null, erases: true }
    const [there = null, last = null] = await Promise.all([
      result<Meta | undefined>(store('meta').get(reach)),
      result<string | undefined>(store('meta').get(begun)),
    ])
    const merged = merge(there, last, change)
    const { clears, meta, takesHeads } = merged
    if (clears) {
      if (there || last !== change.clear) await this.setAside(store, there?.log, change.common ?? 0)
      store('meta').delete(reach)
      store('meta').put(change.clear, begun)
      store('heads').clear()
      store('events').clear()
    }
    if (!meta) return merged
    store('meta').put(meta, reach)
    if (takesHeads && change.isList) await this.keepOnly(store, new Set(heads.map(({ id }) => id)))
    if (takesHeads) for (const head of heads) store('heads').put(head)
    const known = takesHeads ? null : new Set(await result(store('heads').getAllKeys()))
    for (const event of events) {
      const [chat, seq] = keyOf(event)
      if (known === null || chat === '' || known.has(chat)) store('events').put(event, [chat, seq])
    }
    return merged
  }

  private async setAside(
    store: (name: string) => IDBObjectStore,
    log: string | undefined,
    common: number,
  ): Promise<void> {
    for (const one of await result<Stranded[]>(store('stranded').getAll())) {
      store('stranded').put(setBack(one, common))
    }
    if (log === undefined) return
    const keys = (await result(store('events').getAllKeys())) as unknown as Cursor[]
    const chats = new Set(keys.flatMap(([chat, seq]) => (seq > common ? [chat] : [])))
    for (const chat of chats) {
      const head = await result<ChatHead | undefined>(store('heads').get(chat))
      const events = head && (await result<Event[]>(store('events').getAll(this.ofChat(chat))))
      const stranded = events && strandedIn(head, log, common, events)
      if (stranded) store('stranded').put(stranded)
    }
  }

  private async keepOnly(
    store: (name: string) => IDBObjectStore,
    listed: ReadonlySet<string>,
  ): Promise<void> {
    const [heads, events, stranded] = await Promise.all([
      result(store('heads').getAllKeys()),
      result(store('events').getAllKeys()),
      result<Stranded[]>(store('stranded').getAll()),
    ])
    for (const one of stranded) {
      if (isDeleted(one, listed)) store('stranded').delete([one.chat, one.log])
    }
    const chats = new Set([...heads, ...events.map((key) => (key as unknown as Cursor)[0])])
    for (const chat of chats) {
      if (typeof chat !== 'string' || chat === '' || listed.has(chat)) continue
      store('heads').delete(chat)
      store('events').delete(this.ofChat(chat))
    }
  }

  private async writeOutbox(outbox: IDBObjectStore, change: Change): Promise<void> {
    for (const pending of change.add ?? []) outbox.add(pending)
    const ids = outbox.index('id')
    for (const pending of change.replace ?? []) {
      const key = await result(ids.getKey(pending.command.id))
      if (key !== undefined) outbox.put(pending, key)
    }
    for (const id of change.told ?? []) {
      const key = await result(ids.getKey(id))
      if (key === undefined) continue
      outbox.put({ ...(await result<Pending>(outbox.get(key))), told: true }, key)
    }
    for (const id of change.remove ?? []) {
      const key = await result(ids.getKey(id))
      if (key !== undefined) outbox.delete(key)
    }
  }

  /** One transaction: all of the work is written, or nothing. */
  private async change(
    scope: readonly string[],
    durability: IDBTransactionDurability,
    work: (store: (name: string) => IDBObjectStore) => Promise<void>,
  ): Promise<void> {
    const transaction = this.database.transaction(scope, 'readwrite', { durability })
    const done = ended(transaction)
    try {
      await work((name) => transaction.objectStore(name))
      // Left to itself it would wait for the page once more, which may be gone by then.
      transaction.commit()
      await done
    } catch (error) {
      done.catch(() => undefined)
      try {
        transaction.abort()
      } catch {
        // It has ended by itself.
      }
      throw isFull(transaction.error) || isFull(error) ? new StorageFull() : error
    }
  }

  /** Whatever follows the chat in a key: an array comes after every number and text. */
  private ofChat(chat: string): IDBKeyRange {
    return this.databases.IDBKeyRange.bound([chat], [chat, []])
  }
}

/** What goes to the outbox alone, and pages without a word of it, do not wait for each other. */
function storesOf(change: Change): readonly string[] {
  if (isOfOutbox(change)) return ['outbox']
  return idsOf(change).length > 0 ? stores : stores.filter((name) => name !== 'outbox')
}

export function keyOf(event: Event): Cursor {
  return ['chat' in event ? event.chat : '', event.seq]
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.name === 'QuotaExceededError'
}
