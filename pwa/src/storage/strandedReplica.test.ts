import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { describe, expect, it } from 'vitest'
import { chat, created, id, written } from '../../tests/support/messages'
import { MemoryReplica } from './memoryReplica'
import type { Change, ReplicaStorage } from './replica'
import { openReplica } from './replicaDatabase'

const other = id(50)
const [log, next] = [id(90), id(91)]
const head = { id: chat, title: 'A chat', folder: null, changedMs: 1 }
const heads = [head, { ...head, id: other }]
const meta = (after: number, of = log) => ({ log: of, after, before: 1, head: after, model: 'm', settings: {} })
const events = [created(1), created(2, 'Other', other), written(3), written(4, 'More', id(60), other)]
const filled: Change = { meta: meta(4), isList: true, heads, events }

function databases() {
  const made = { indexedDB: new IDBFactory(), IDBKeyRange }
  return () => made
}

const kinds: [string, () => Promise<ReplicaStorage>][] = [
  ['in IndexedDB', () => openReplica(databases(), 'h', 1)],
  ['in memory', () => Promise.resolve(new MemoryReplica())],
]

describe.each(kinds)('a replica %s whose PC went back to a backup', (_, open) => {
  async function restored(common: number): Promise<ReplicaStorage> {
    const replica = await open()
    await replica.write(filled)
    await replica.write({ clear: next, common })
    return replica
  }
  const chatsOf = async (replica: ReplicaStorage) =>
    (await replica.stranded()).map((one) => one.chat).sort()

  it('sets aside the chats that the backup lacks something of, and only those', async () => {
    const replica = await restored(3)
    expect(await replica.stranded()).toEqual([
      { chat: other, log, common: 3, events: [events[1], events[3]] },
    ])
    expect(await replica.events(other)).toEqual([])
    expect(await chatsOf(await restored(2))).toEqual([chat, other])
    expect(await chatsOf(await restored(4))).toEqual([])
  })

  it('sets nothing aside for the log that it is of already', async () => {
    const replica = await open()
    await replica.write(filled)
    await replica.write({ clear: log, common: 0 })
    expect(await replica.stranded()).toEqual([])
  })

  it('keeps what is set aside through another restore', async () => {
    const replica = await restored(3)
    const again = { meta: meta(5, next), isList: true, heads, events: [written(5, 'New', id(61), other)] }
    await replica.write(again)
    await replica.write({ clear: id(92), common: 4 })
    expect((await replica.stranded()).map((one) => [one.log, one.common])).toEqual([[log, 3], [next, 4]])
  })

  it('keeps what an older backup cannot have, restored before the list of the first was here', async () => {
    const replica = await restored(3)
    await replica.write({ clear: next, common: 0 })
    expect((await replica.stranded()).map(({ common }) => common)).toEqual([3])
    await replica.write({ clear: id(92), common: 0 })
    await replica.write({ meta: meta(1, id(92)), isList: true, heads: [head] })
    expect(await chatsOf(replica)).toEqual([other])
  })

  it('keeps a chat that an older backup cannot have', async () => {
    const replica = await restored(3)
    await replica.write({ meta: meta(3, next), isList: true, heads })
    await replica.write({ clear: id(92), common: 1 })
    await replica.write({ meta: meta(1, id(92)), isList: true, heads: [head] })
    const left = (await replica.stranded()).map((one) => [one.chat, one.log, one.common])
    expect(left).toContainEqual([other, log, 1])
  })

  it('has it no more, once it was brought back or given up', async () => {
    const replica = await restored(2)
    await replica.write({ land: [chat] })
    expect(await chatsOf(replica)).toEqual([other])
  })

  it('has nothing of a chat that is deleted, though it was set aside', async () => {
    const replica = await restored(2)
    await replica.write({ meta: meta(3, next), heads, isList: true })
    await replica.write({ meta: meta(4, next), erase: [chat] })
    expect(await chatsOf(replica)).toEqual([other])
    // The PC had it when the two parted, and lists it no more.
    await replica.write({ meta: meta(5, next), isList: true, heads: [head] })
    expect(await chatsOf(replica)).toEqual([])
  })

  it('has nothing of it for another person', async () => {
    const replica = await restored(2)
    await replica.destroy()
    expect(await (await open()).stranded()).toEqual([])
  })
})

it('is gone when this browser is paired anew', async () => {
  const browser = databases()
  const replica = await openReplica(browser, 'h', 1)
  await replica.write(filled)
  await replica.write({ clear: next, common: 0 })
  replica.close()
  expect(await (await openReplica(browser, 'h', 2)).stranded()).toEqual([])
})
