import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, it } from 'vitest'
import { chat, created, id, written } from '../../tests/support/messages'
import type { Pending } from '../chat/model'
import { MemoryReplica } from '../storage/memoryReplica'
import { type Change, type Meta, StorageFull } from '../storage/replica'
import { openReplica } from '../storage/replicaDatabase'
import { Disk } from './disk'

const one = id(90)
const another = id(91)
const head = { id: chat, title: 'A chat', folder: null, changedMs: 1 }

function meta(log: string, after: number): Meta {
  return { log, after, before: 1, head: after, model: 'm', settings: {} }
}

function pending(number: number): Pending {
  const command = { type: 'delete_chat', id: id(number), chat } as const
  return { command, atMs: 1, state: 'waiting', told: false, seq: 0, code: null, excess: null }
}

/** Writes nothing before it is told to, and then fails where there is no room. */
class SlowReplica extends MemoryReplica {
  isFull = false
  private goOn: () => void = () => undefined
  private going = Promise.resolve()

  hold(): void {
    this.going = new Promise((resolve) => (this.goOn = resolve))
  }

  release(): void {
    this.goOn()
  }

  override async write(change: Change): Promise<boolean> {
    await this.going
    if (this.isFull && change.events?.length) throw new StorageFull()
    return super.write(change)
  }
}

describe('the events of a chat, while not all of it is written', () => {
  let replica: SlowReplica
  let disk: Disk

  beforeEach(async () => {
    replica = new SlowReplica()
    disk = new Disk()
    await disk.open(Promise.resolve(replica))
    await disk.write({ clear: one, meta: meta(one, 2), heads: [head], events: [created(1), written(2)] })
  })

  const texts = async (log = one) =>
    (await disk.events(chat, log)).map((event) => (event.type === 'message_written' ? event.text : event.seq))

  it('are those on disk, and those on their way there', async () => {
    replica.hold()
    void disk.write({ meta: meta(one, 3), events: [written(3, 'More')] })
    expect(await texts()).toEqual([1, 'Hello?', 'More'])
  })

  it('are of one log, though the other is still on disk, and on its way there', async () => {
    replica.hold()
    void disk.write({ meta: meta(one, 3), events: [written(3, 'In the old log')] })
    void disk.write({ clear: another })
    const events = [created(1), written(2, 'In the new')]
    void disk.write({ meta: meta(another, 2), isList: true, heads: [head], events })
    expect(await texts(another)).toEqual([1, 'In the new'])
    replica.release()
    await disk.idle()
    expect(await texts(another)).toEqual([1, 'In the new'])
  })

  it('are none where it was deleted, though it is still on disk', async () => {
    replica.hold()
    void disk.write({ meta: meta(one, 4), erase: [chat], events: [] })
    expect(await texts()).toEqual([])
  })

  it('are none where it was deleted, though there was no room for what it had', async () => {
    replica.isFull = true
    await disk.write({ meta: meta(one, 3), events: [written(3, 'In memory only')] })
    expect(await texts()).toEqual([1, 'Hello?', 'In memory only'])
    await disk.write({ meta: meta(one, 4), erase: [chat], events: [] })
    expect(disk.full).toBe(true)
    expect(await texts()).toEqual([])
    expect(await replica.events(chat)).toEqual([])
  })

  it('are those that the disk has, where another chat was deleted', async () => {
    replica.hold()
    void disk.write({ meta: meta(one, 4), erase: [id(77)] })
    expect(await texts()).toEqual([1, 'Hello?'])
  })
})

it('gives nothing once it is closed, and fails nobody who asks late', async () => {
  const databases = { indexedDB: new IDBFactory(), IDBKeyRange }
  const disk = new Disk()
  await disk.open(openReplica(() => databases, 'h', 1))
  await disk.write({ clear: one, meta: meta(one, 1), heads: [head], events: [created(1)] })
  expect(await disk.events(chat, one)).toHaveLength(1)
  disk.close()
  await disk.idle()
  expect([await disk.events(chat, one), await disk.stranded()]).toEqual([[], []])
})

async function idsInOutbox(disk: Disk): Promise<string[]> {
  let ids: string[] = []
  await disk.readOutbox((outbox) => (ids = outbox.map(({ command }) => command.id)))
  return ids
}

it('has the outbox as it is once it was read, whatever became of it meanwhile', async () => {
  const replica = new SlowReplica()
  const disk = new Disk()
  await disk.open(Promise.resolve(replica))
  await disk.write({ add: [pending(19), pending(20)] })
  let tell: () => void = () => undefined
  const told = new Promise<void>((resolve) => (tell = resolve))
  replica.load = async () => {
    const kept = await MemoryReplica.prototype.load.call(replica)
    await told
    return kept
  }
  const reading = idsInOutbox(disk)
  await disk.write({ add: [pending(21), pending(22)] })
  await disk.write({ remove: [id(19), id(22)] })
  tell()
  expect(await reading).toEqual([id(20), id(21)])
})

it('has what a person did on disk before the pages of the past that were to be written first', async () => {
  const databases = { indexedDB: new IDBFactory(), IDBKeyRange }
  const disk = new Disk()
  await disk.open(openReplica(() => databases, 'h', 1))
  await disk.write({ clear: one, meta: meta(one, 1), heads: [head], events: [created(1)] })
  const order: string[] = []
  for (const last of [100, 200, 300]) {
    const events = Array.from({ length: 100 }, (_, at) => written(last - 99 + at))
    void disk.write({ meta: meta(one, last), events }).then(() => order.push('page'))
  }
  void disk.write({ add: [pending(20)] }).then(() => order.push('first'))
  void disk.write({ add: [pending(21)] }).then(() => order.push('second'))
  await disk.idle()
  expect(order).toEqual(['first', 'second', 'page', 'page', 'page'])
  expect(await idsInOutbox(disk)).toEqual([id(20), id(21)])
})

it('has of each command what was written last, though a page waits between', async () => {
  const replica = new MemoryReplica()
  const disk = new Disk()
  await disk.open(Promise.resolve(replica))
  await disk.write({ add: [pending(20)] })
  void disk.write({ clear: one, meta: meta(one, 0), isList: true })
  void disk.write({ meta: meta(one, 1), events: [created(1)], replace: [{ ...pending(20), told: true }] })
  await disk.write({ replace: [{ ...pending(20), told: true, state: 'refused' }] })
  await disk.idle()
  expect((await replica.load()).outbox).toMatchObject([{ state: 'refused' }])
})
