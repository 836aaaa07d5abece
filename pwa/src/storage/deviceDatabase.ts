/** What is this device's own, in one IndexedDB: its key, its certificate, the homes it has pinned. */
import { ended, result } from './requests'

const database = 'hearth.device'
const version = 3
const stores = ['keys', 'certificates', 'homes'] as const

export type Store = (typeof stores)[number]

/** Opens it for this work alone, so that no tab keeps another from a newer version. */
export async function withDatabase<T>(
  factory: IDBFactory,
  work: (opened: IDBDatabase) => Promise<T>,
): Promise<T> {
  const opened = await open(factory)
  try {
    return await work(opened)
  } finally {
    opened.close()
  }
}

export function read<T>(opened: IDBDatabase, store: Store, name: string): Promise<T | undefined> {
  return result<T | undefined>(opened.transaction(store).objectStore(store).get(name))
}

export function readAll<T>(opened: IDBDatabase, store: Store): Promise<T[]> {
  return result<T[]>(opened.transaction(store).objectStore(store).getAll())
}

/**
 * Puts what `change` makes of the value that is there, undefined to leave it, in one transaction.
 * Gives what is there then, once it is on disk.
 */
export async function change<T>(
  opened: IDBDatabase,
  store: Store,
  name: string,
  change: (there: T | undefined) => T | undefined,
): Promise<T | undefined> {
  const transaction = opened.transaction(store, 'readwrite', { durability: 'strict' })
  const done = ended(transaction)
  try {
    const values = transaction.objectStore(store)
    const there = await result<T | undefined>(values.get(name))
    const changed = change(there)
    if (changed !== undefined) values.put(changed, name)
    await done
    return changed ?? there
  } catch (error) {
    // Nobody waits for its end any more.
    done.catch(() => undefined)
    throw error
  }
}

export async function remove(opened: IDBDatabase, store: Store, name: string): Promise<void> {
  const transaction = opened.transaction(store, 'readwrite', { durability: 'strict' })
  const done = ended(transaction)
  transaction.objectStore(store).delete(name)
  await done
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(database, version)
  request.onupgradeneeded = ({ oldVersion }) => {
    const there = request.result.objectStoreNames
    for (const store of stores) if (!there.contains(store)) request.result.createObjectStore(store)
    if (oldVersion === 2 && request.transaction) giveTickets(request.transaction)
  }
  return result(request)
}

/** From version 3 on a home has a ticket, in place of addresses that were never filled. */
function giveTickets(upgrade: IDBTransaction): void {
  const request = upgrade.objectStore('homes').openCursor()
  request.onsuccess = () => {
    const cursor = request.result
    if (!cursor) return
    const home: Record<string, unknown> = { ...cursor.value, lan: null }
    delete home.addresses
    cursor.update(home)
    cursor.continue()
  }
}
