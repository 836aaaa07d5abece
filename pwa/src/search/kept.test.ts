import { IDBFactory } from 'fake-indexeddb'
import { expect, it } from 'vitest'
import { SearchedReplica, uuid } from '../../tests/support/searched'
import { Indexer } from './indexer'
import { eraseIndex, type IndexStorage, indexName, openIndex } from './kept'

const name = indexName('home')
const needs = {
  now: () => 0,
  wallClock: () => 0,
  pause: () => Promise.resolve(),
  rest: () => Promise.resolve(),
}

async function run(replica: SearchedReplica, storage: IndexStorage): Promise<Indexer> {
  const indexer = new Indexer(replica, storage, needs)
  await indexer.open()
  await indexer.catchUp()
  return indexer
}

async function restart(replica: SearchedReplica, factory: IDBFactory): Promise<Indexer> {
  const storage = await openIndex(factory, name)
  return run(replica, storage).finally(() => storage.close())
}

async function found(indexer: Indexer, query: string): Promise<string[]> {
  const { hits } = await indexer.search(query, 50)
  return hits.map(({ snippet }) => snippet.text)
}

async function withDatabase(
  factory: IDBFactory,
  work: (opened: IDBDatabase) => IDBRequest | undefined,
): Promise<unknown> {
  const opened = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = factory.open(name)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const request = work(opened)
  if (request) await new Promise((resolve) => (request.onsuccess = resolve))
  opened.close()
  return request?.result
}

/** Everything that is in the database, as text. */
async function contents(factory: IDBFactory): Promise<string> {
  const all: unknown[] = []
  for (const store of ['about', 'ranges', 'segments', 'gone']) {
    all.push(await withDatabase(factory, (opened) => opened.transaction(store).objectStore(store).getAll()))
    all.push(await withDatabase(factory, (opened) => opened.transaction(store).objectStore(store).getAllKeys()))
  }
  return JSON.stringify(all)
}

function twoChats() {
  const replica = new SearchedReplica()
  const kept = replica.create('x')
  replica.write(kept, 'общее слово')
  for (let more = 0; more < 9; more++) replica.write(kept, 'ещё')
  const secret = replica.create('y')
  const message = replica.write(secret, 'общее тайное')
  replica.answer(secret, message, 'секретное')
  return { replica, kept, secret, message }
}

it('answers after a restart without reading any chat again', async () => {
  const { replica } = twoChats()
  const factory = new IDBFactory()
  await restart(replica, factory)
  const { reads } = replica
  const indexer = await restart(replica, factory)
  expect(await found(indexer, 'общ')).toEqual(['общее тайное', 'общее слово'])
  expect(replica.reads).toBe(reads)
})

it('reads at a restart only the chats with newer events, or with older ones that came since', async () => {
  const { replica, kept, secret } = twoChats()
  replica.before = replica.chats.get(secret)?.events[0]?.seq ?? 0
  const factory = new IDBFactory()
  await restart(replica, factory)
  const { reads } = replica
  replica.write(secret, 'новое')
  expect(await found(await restart(replica, factory), 'новое')).toEqual(['новое'])
  expect(replica.reads).toBe(reads + 1)
  replica.before = 1
  expect(await found(await restart(replica, factory), 'слово')).toEqual(['общее слово'])
  expect(replica.reads).toBe(reads + 2)
  expect(replica.chats.has(kept)).toBe(true)
})

it('leaves no word of an erased chat in the database', async () => {
  const { replica, secret } = twoChats()
  const factory = new IDBFactory()
  const storage = await openIndex(factory, name)
  const indexer = await run(replica, storage)
  expect(await contents(factory)).toContain('тайное')
  replica.chats.delete(secret)
  await indexer.touched([], [secret])
  storage.close()
  const left = await contents(factory)
  expect(left).toContain('слово')
  expect(left).not.toMatch(/тайное|секретное/)
  expect(left).not.toContain(secret)
})

it('erases at the next start what was deleted while nobody listened', async () => {
  const { replica, secret } = twoChats()
  const factory = new IDBFactory()
  await restart(replica, factory)
  replica.chats.delete(secret)
  await restart(replica, factory)
  expect(await contents(factory)).not.toMatch(/тайное|секретное/)
})

it('remembers which answers were replaced', async () => {
  const { replica, secret, message } = twoChats()
  const factory = new IDBFactory()
  const storage = await openIndex(factory, name)
  const indexer = await run(replica, storage)
  replica.answer(secret, message, 'открытое')
  await indexer.touched([secret], [])
  storage.close()
  const again = await restart(replica, factory)
  expect(await found(again, 'секретное')).toEqual([])
  expect(await found(again, 'открытое')).toEqual(['открытое'])
})

it('leaves nothing behind of segments that were rewritten', async () => {
  const { replica, secret, message } = twoChats()
  const factory = new IDBFactory()
  const storage = await openIndex(factory, name)
  const indexer = await run(replica, storage)
  replica.answer(secret, message, 'открытое')
  await indexer.touched([secret], [])
  const keys = (store: string) =>
    withDatabase(factory, (opened) => opened.transaction(store).objectStore(store).getAllKeys())
  expect(await keys('gone')).toHaveLength(1)
  replica.chats.delete(secret)
  await indexer.touched([], [secret])
  storage.close()
  expect(await keys('gone')).toEqual([])
  expect(await keys('segments')).toHaveLength(1)
})

it('goes on where it was when it was ended in the middle of a long catch-up', async () => {
  const replica = new SearchedReplica()
  for (let chat = 0; chat < 60; chat++) {
    const id = replica.create('x')
    for (let message = 0; message < 100; message++) replica.write(id, 'слово')
  }
  const factory = new IDBFactory()
  const { events } = replica
  replica.events = (chat) =>
    replica.reads < 50 ? events.call(replica, chat) : Promise.reject(new Error('ended'))
  await expect(restart(replica, factory)).rejects.toThrow('ended')
  replica.events = events
  await restart(replica, factory)
  expect(replica.reads).toBeGreaterThanOrEqual(60)
  expect(replica.reads).toBeLessThan(75)
})

it('starts anew with another log', async () => {
  const { replica } = twoChats()
  const factory = new IDBFactory()
  await restart(replica, factory)
  const restored = new SearchedReplica()
  restored.log = uuid(2)
  restored.write(restored.create('z'), 'из копии')
  const indexer = await restart(restored, factory)
  expect(await found(indexer, 'копии')).toEqual(['из копии'])
  expect(await contents(factory)).not.toContain('тайное')
})

const damages: [string, (opened: IDBDatabase) => IDBRequest][] = [
  [
    'a segment that is none',
    (opened) => opened.transaction('segments', 'readwrite').objectStore('segments').put('?', 0),
  ],
  [
    'arrays that do not fit each other',
    (opened) => {
      const store = opened.transaction('segments', 'readwrite').objectStore('segments')
      const request = store.get(0)
      request.onsuccess = () => store.put({ ...request.result, seq: new Float64Array(1) }, 0)
      return request
    },
  ],
  [
    'nothing where a segment was',
    (opened) => opened.transaction('segments', 'readwrite').objectStore('segments').put(null, 0),
  ],
]

it.each(damages)('is made again where there is %s', async (_, damage) => {
  const { replica } = twoChats()
  const factory = new IDBFactory()
  await restart(replica, factory)
  await withDatabase(factory, damage)
  expect(await found(await restart(replica, factory), 'общ')).toHaveLength(2)
  const { reads } = replica
  expect(await found(await restart(replica, factory), 'общ')).toHaveLength(2)
  expect(replica.reads).toBe(reads)
})

it('takes the place of an index of a later version of the app', async () => {
  const factory = new IDBFactory()
  const later = factory.open(name, 99)
  await new Promise((resolve) => (later.onsuccess = resolve))
  later.result.close()
  const { replica } = twoChats()
  expect(await found(await restart(replica, factory), 'общ')).toHaveLength(2)
})

it('goes on in memory, and keeps nothing, where there is no room', async () => {
  const { replica, secret } = twoChats()
  const factory = new IDBFactory()
  const storage = await openIndex(factory, name)
  const full = () => Promise.reject(new DOMException('', 'QuotaExceededError'))
  let isFull = false
  const indexer = await run(replica, {
    ...storage,
    write: (change) => (isFull ? full() : storage.write(change)),
  })
  isFull = true
  replica.write(secret, 'новое')
  await indexer.touched([secret], [])
  expect(await found(indexer, 'новое')).toEqual(['новое'])
  expect((await factory.databases()).map((one) => one.name)).toEqual([])
})

it('does not keep others from deleting it', async () => {
  const factory = new IDBFactory()
  await openIndex(factory, name)
  await eraseIndex(factory, name)
  expect(await factory.databases()).toEqual([])
})
