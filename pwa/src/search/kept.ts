/**
 * The index on this device, in an IndexedDB of its own: `hearth.search.<home>`. All of it can be made
 * again from the replica, so what cannot be read is thrown away and never an error.
 */
import { ended, result } from '../storage/requests'
import type { Part } from './merge'
import { documentCount, type Segment, termCount } from './segment'

/** Everything of a chat from `before` up to `after` that there was in the replica is in the index. */
export interface Range {
  readonly after: number
  readonly before: number
}

export interface Kept {
  /** The log that the index is of; null where there is nothing. */
  readonly log: string | null
  readonly ranges: Map<string, Range>
  readonly parts: Part[]
}

/** One transaction, in this order. */
export interface Change {
  /** Drops everything first; what follows is of this log. */
  readonly log?: string | null
  readonly drop?: readonly Part[]
  readonly add?: readonly Part[]
  /** Parts of which documents are gone that were there. */
  readonly gone?: readonly Part[]
  readonly forget?: readonly string[]
  readonly ranges?: readonly (readonly [chat: string, range: Range])[]
}

export interface IndexStorage {
  load(): Promise<Kept>
  write(change: Change): Promise<void>
  close(): void
  /** Closes it and leaves nothing of it on this device. */
  erase(): Promise<void>
}

/** Of the form of everything below: an index of another form is made anew. */
const version = 2
const stores = ['about', 'ranges', 'segments', 'gone'] as const
type Store = (typeof stores)[number]

export function indexName(home: string): string {
  return `hearth.search.${home}`
}

export const nothingKept = (): Kept => ({ log: null, ranges: new Map(), parts: [] })

/** @throws {DOMException} this browser keeps nothing, even after what was there was thrown away. */
export async function openIndex(factory: IDBFactory, name: string): Promise<IndexStorage> {
  const opened = await open(factory, name).catch(async () => {
    await eraseIndex(factory, name)
    return open(factory, name)
  })
  // Whoever wants to delete it need not wait for this one.
  opened.onversionchange = () => opened.close()
  return {
    load: () => load(opened),
    write: (change) => write(opened, change),
    close: () => opened.close(),
    erase: () => {
      opened.close()
      return eraseIndex(factory, name)
    },
  }
}

export async function eraseIndex(factory: IDBFactory, name: string): Promise<void> {
  await result(factory.deleteDatabase(name))
}

function open(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  const request = factory.open(name, version)
  request.onupgradeneeded = () => {
    for (const store of [...request.result.objectStoreNames]) request.result.deleteObjectStore(store)
    for (const store of stores) request.result.createObjectStore(store)
  }
  return result(request)
}

async function load(opened: IDBDatabase): Promise<Kept> {
  const transaction = opened.transaction(stores)
  const all = (store: Store) => {
    const values = transaction.objectStore(store)
    return Promise.all([result(values.getAllKeys()), result<unknown[]>(values.getAll())])
  }
  const [about, ranges, segments, gone] = await Promise.all([
    all('about'),
    all('ranges'),
    all('segments'),
    all('gone'),
  ])
  const log = about[1][0]
  const goneOf = new Map(gone[0].map((id, at) => [id, gone[1][at]]))
  const parts = segments[0].map((id, at) => ({
    id,
    segment: segments[1][at],
    gone: goneOf.get(id) ?? new Uint8Array(countOf(segments[1][at])),
  }))
  if (typeof log !== 'string' || !parts.every(isPart)) return nothingKept()
  const rangeOf = ranges[0].map((chat, at) => [chat, ranges[1][at]] as [string, Range])
  return { log, ranges: new Map(rangeOf), parts }
}

async function write(opened: IDBDatabase, change: Change): Promise<void> {
  const transaction = opened.transaction(stores, 'readwrite')
  const done = ended(transaction)
  const store = (name: Store) => transaction.objectStore(name)
  if (change.log !== undefined) {
    for (const name of stores) store(name).clear()
    if (change.log !== null) store('about').put(change.log, 'log')
  }
  for (const { id } of change.drop ?? []) {
    store('segments').delete(id)
    store('gone').delete(id)
  }
  for (const { id, segment } of change.add ?? []) store('segments').put(segment, id)
  for (const { id, gone } of change.gone ?? []) store('gone').put(gone, id)
  for (const chat of change.forget ?? []) store('ranges').delete(chat)
  for (const [chat, range] of change.ranges ?? []) store('ranges').put(range, chat)
  await done
}

function countOf(segment: unknown): number {
  return (segment as Partial<Segment> | undefined)?.seq?.length ?? 0
}

/** Whether the arrays fit each other, so that nothing in them leads out of another. */
function isPart(value: unknown): value is Part {
  const { id, segment, gone } = value as Part
  if (typeof id !== 'number' || !(gone instanceof Uint8Array)) return false
  const { terms, termEnds, postings, postingEnds, chats, chat, seq, turn, atMs } = segment
  if (
    typeof terms !== 'string' ||
    !(termEnds instanceof Uint32Array && postingEnds instanceof Uint32Array) ||
    !(postings instanceof Uint8Array && chat instanceof Uint32Array && Array.isArray(chats)) ||
    ![seq, turn, atMs].every((one) => one instanceof Float64Array)
  ) {
    return false
  }
  const count = documentCount(segment)
  return (
    [gone, chat, turn, atMs].every((one) => one.length === count) &&
    postingEnds.length === termCount(segment) &&
    (termEnds.at(-1) ?? 0) === terms.length &&
    (postingEnds.at(-1) ?? 0) === postings.length &&
    chat.every((one) => one < chats.length)
  )
}
