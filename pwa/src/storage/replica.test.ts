import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { describe, expect, it } from 'vitest'
import { chat, created, ended, id, seeded, written } from '../../tests/support/messages'
import type { Pending } from '../chat/model'
import type { Event } from '../protocol/generated'
import { MemoryReplica } from './memoryReplica'
import { type Change, type Meta, type ReplicaStorage, StorageFull } from './replica'
import { openReplica, readReplica, replicaName, type Upgrade, upgrades } from './replicaDatabase'
import { ended as over, result } from './requests'

const other = id(50)
const head = { id: chat, title: 'A chat', folder: null, changedMs: 1 }

function meta(before: number, after: number, more: Partial<Meta> = {}): Meta {
  return { log: id(90), after, before, head: after, model: 'm', settings: {}, ...more }
}

function pending(number: number, more: Partial<Pending> = {}): Pending {
  const command = { type: 'delete_chat', id: id(number), chat } as const
  const about = { atMs: 1, told: false, seq: 0, code: null, excess: null }
  return { command, state: 'waiting', ...about, ...more }
}

class Browser {
  readonly databases = { indexedDB: new IDBFactory(), IDBKeyRange }

  open(schema?: readonly Upgrade[], pairedAt = 1) {
    return openReplica(() => this.databases, 'h', pairedAt, schema)
  }
}

const kinds: [string, () => Promise<ReplicaStorage>][] = [
  ['in IndexedDB', () => new Browser().open()],
  ['in memory', () => Promise.resolve(new MemoryReplica())],
]

describe.each(kinds)('a replica %s', (_, open) => {
  it('has nothing before anything was written', async () => {
    const replica = await open()
    expect(await replica.load()).toEqual({ meta: null, heads: [], outbox: [] })
    expect(await replica.all(null, 10)).toEqual({ events: [], next: null })
  })

  it('gives what was written, each chat by number', async () => {
    const replica = await open()
    const events = [ended(4, 'Hi.'), created(1), created(3, 'Other', other), written(2)]
    const change = { meta: meta(1, 4), isList: true, heads: [head], events, add: [pending(20), pending(21)] }
    await replica.write(change)
    await replica.write(change)
    expect((await replica.load()).meta).toEqual(meta(1, 4))
    expect((await replica.load()).heads).toEqual([head])
    expect((await replica.events(chat)).map(({ seq }) => seq)).toEqual([1, 2, 4])
  })

  it('is walked whole, in pages', async () => {
    const replica = await open()
    const setting: Event = { type: 'setting_changed', seq: 5, at_ms: 1, name: 'language', value: 'ru' }
    const events = [ended(4, 'Hi.'), created(1), created(3, 'Other', other), written(2), setting]
    await replica.write({ meta: meta(1, 5), isList: true, events })
    const found: Event[] = []
    let page = await replica.all(null, 2)
    for (found.push(...page.events); page.next; found.push(...page.events)) {
      page = await replica.all(page.next, 2)
    }
    expect(found.map(({ seq }) => seq)).toEqual([5, 1, 2, 4, 3])
  })

  it('keeps the outbox in order, and changes and removes by the command', async () => {
    const replica = await open()
    await replica.write({ add: [pending(20), pending(21)] })
    await replica.write({ add: [pending(22)] })
    await replica.write({ replace: [pending(20, { told: true }), pending(99)], remove: [id(21), id(98)] })
    expect((await replica.load()).outbox).toEqual([pending(20, { told: true }), pending(22)])
    // Another tab was told meanwhile that it was refused.
    await replica.write({ replace: [pending(22, { state: 'refused' })] })
    await replica.write({ told: [id(22), id(98)] })
    const refused = pending(22, { state: 'refused', told: true })
    expect((await replica.load()).outbox).toEqual([pending(20, { told: true }), refused])
  })

  it('takes no part of what another tab has dropped for another log', async () => {
    const replica = await open()
    await replica.write({ meta: meta(1, 2), isList: true, heads: [head], events: [created(1), written(2)] })
    expect(await replica.write({ clear: id(91) })).toBe(true)
    const late = { meta: meta(1, 3), heads: [head], events: [ended(3, 'Hi.')], add: [pending(20)] }
    expect(await replica.write(late)).toBe(false)
    expect(await replica.write({ ...late, add: [], isList: true })).toBe(false)
    expect(await replica.load()).toEqual({ meta: null, heads: [], outbox: [pending(20)] })
    expect(await replica.events(chat)).toEqual([])
  })

  it('leaves nothing of a chat that is erased', async () => {
    const replica = await open()
    const events = [created(1), written(2), created(3, 'Other', other)]
    await replica.write({ meta: meta(1, 3), isList: true, heads: [head, { ...head, id: other }], events })
    await replica.write({ meta: meta(1, 4), erase: [chat] })
    expect(await replica.events(chat)).toEqual([])
    expect((await replica.load()).heads.map((one) => one.id)).toEqual([other])
    expect(await replica.events(other)).toHaveLength(1)
  })

  it('keeps what was deleted from another log than the one that it has', async () => {
    const replica = await open()
    const there = { meta: meta(1, 2), isList: true, heads: [head], events: [created(1), written(2)] }
    await replica.write(there)
    await replica.write({ meta: meta(1, 9, { log: id(91) }), erase: [chat] })
    expect((await replica.load()).heads).toEqual([head])
    expect(await replica.events(chat)).toEqual(there.events)
  })

  it('gives no tab that is still at another log what is of this one', async () => {
    const replica = await open()
    expect(await replica.events(chat, id(90))).toEqual([])
    await replica.write({ meta: meta(1, 1), isList: true, heads: [head], events: [created(1)] })
    expect(await replica.events(chat, id(91))).toEqual([])
    expect(await replica.events(chat, id(90))).toEqual([created(1)])
  })

  it('drops all but the outbox for another log, and nothing for its own', async () => {
    const replica = await open()
    const filled = { meta: meta(1, 2), isList: true, heads: [head], events: [created(1), written(2)] }
    await replica.write({ ...filled, add: [pending(20)] })
    await replica.write({ clear: id(90) })
    expect((await replica.load()).heads).toEqual([head])
    await replica.write({ clear: id(91) })
    expect(await replica.load()).toEqual({ meta: null, heads: [], outbox: [pending(20)] })
    expect(await replica.events(chat)).toEqual([])
  })

  it('takes nothing from a tab that is still at another log, but what the person did', async () => {
    const replica = await open()
    await replica.write({ clear: id(91), meta: meta(4, 3, { log: id(91) }) })
    await replica.write({ meta: meta(1, 1), heads: [head], events: [created(1)], add: [pending(20)] })
    const { meta: left, heads, outbox } = await replica.load()
    expect([left?.log, heads, outbox.length]).toEqual([id(91), [], 1])
    expect(await replica.events(chat)).toEqual([])
  })

  it('only grows while several tabs write into it', async () => {
    const replica = await open()
    await replica.write({ clear: id(90), meta: meta(11, 10) })
    // Another tab has begun further on: what lies between is not here yet.
    await replica.write({ clear: id(90), meta: meta(13, 12) })
    expect((await replica.load()).meta).toMatchObject({ before: 11, after: 10 })
    await replica.write({ meta: meta(12, 14), heads: [{ ...head, title: 'New' }] })
    expect((await replica.load()).meta).toMatchObject({ before: 11, after: 10 })
    await replica.write({ meta: meta(9, 11), heads: [head] })
    await replica.write({ meta: meta(11, 14) })
    expect((await replica.load()).meta).toMatchObject({ before: 9, after: 14 })
    // Who is behind has nothing new to say of a chat.
    await replica.write({ meta: meta(5, 11), heads: [{ ...head, title: 'Old' }] })
    expect((await replica.load()).meta).toMatchObject({ before: 5, after: 14 })
    expect((await replica.load()).heads).toEqual([{ ...head, title: 'New' }])
  })

  it('keeps nothing of a chat that is not in a newer list', async () => {
    const replica = await open()
    await replica.write({ meta: meta(1, 2), heads: [head], events: [created(1), written(2)] })
    await replica.write({ clear: id(90), meta: meta(10, 9), heads: [], isList: true })
    expect(await replica.all(null, 10)).toEqual({ events: [], next: null })
    // Who is behind has not heard yet that it is gone.
    await replica.write({ meta: meta(1, 3), heads: [head], events: [ended(3, 'Hi.')] })
    expect((await replica.load()).heads).toEqual([])
    expect(await replica.all(null, 10)).toEqual({ events: [], next: null })
  })

  it('never claims an event that nobody wrote, through any order of tabs', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed)
      const pick = (most: number) => Math.floor(random() * most)
      const replica = await open()
      const tabs = [0, 1, 2].map(() => {
        const at = 10 + pick(4)
        return { before: at + 1, after: at }
      })
      for (let step = 0; step < 30; step++) {
        const tab = tabs[pick(3)]!
        const change: Change = { clear: id(90), meta: meta(tab.before, tab.after) }
        const [from, to] = [tab.before - pick(3), tab.after + pick(3)]
        const news = [...range(from, tab.before - 1), ...range(tab.after + 1, to)]
        Object.assign(tab, { before: Math.max(1, from), after: to })
        const events = news.filter((seq) => seq >= 1).map((seq) => written(seq))
        await replica.write({ ...change, meta: meta(tab.before, tab.after), heads: [head], events })
        const { meta: kept } = await replica.load()
        const there = new Set((await replica.events(chat)).map(({ seq }) => seq))
        for (const seq of range(kept!.before, kept!.after)) {
          expect(there.has(seq), `seed ${String(seed)}: ${String(seq)}`).toBe(true)
        }
      }
    }
  })
})

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
}

describe('on disk', () => {
  const filled = { meta: meta(1, 2), isList: true, heads: [head], events: [created(1), written(2)], add: [pending(20)] }

  it('is as it was when it is opened again', async () => {
    const browser = new Browser()
    const replica = await browser.open()
    await replica.write(filled)
    replica.close()
    const again = await browser.open()
    expect(await again.load()).toEqual({ meta: meta(1, 2), heads: [head], outbox: [pending(20)] })
    expect(await again.events(chat)).toEqual(filled.events)
  })

  it('is looked up at many places at once', async () => {
    const replica = await new Browser().open()
    const events = [created(1), written(2), created(3, 'Other', other), ended(4, 'Hi.')]
    await replica.write({ meta: meta(1, 4), heads: [head], isList: true, events })
    const found = await replica.at([[chat, 4], [other, 3], [chat, 3], [other, 9]])
    expect(found.map((event) => event?.seq)).toEqual([4, 3, undefined, undefined])
    expect(
      await replica.hasAny([[chat, 3, 9], [chat, 3, 3], [other, 1, 2], [other, 1, 3], [chat, 5, 2]]),
    ).toEqual([true, false, false, true, false])
  })

  it('shows nothing of a person who had this browser before, and sends nothing of theirs', async () => {
    const browser = new Browser()
    const replica = await browser.open(upgrades, 1)
    await replica.write(filled)
    replica.close()
    const theirs = await browser.open(upgrades, 2)
    expect(await theirs.load()).toEqual({ meta: null, heads: [], outbox: [] })
    expect(await theirs.events(chat)).toEqual([])
  })

  it('is gone when it is destroyed, for the other tabs too', async () => {
    const browser = new Browser()
    const [one, another] = [await browser.open(), await browser.open()]
    await one.write(filled)
    await one.destroy()
    await expect(another.write(filled)).rejects.toThrow()
    expect(await (await browser.open()).load()).toEqual({ meta: null, heads: [], outbox: [] })
  })

  it('writes all of a change or nothing, and says that there is no room', async () => {
    const browser = new Browser()
    const replica = await browser.open()
    await replica.write(filled)
    const full = new DOMException('', 'QuotaExceededError')
    const database = (replica as unknown as { database: IDBDatabase }).database
    const real = database.transaction.bind(database)
    // As a browser does it: the request is taken, and the transaction ends in this error.
    database.transaction = (...asked) => {
      const transaction = real(...asked)
      Object.defineProperty(transaction, 'error', { get: () => full })
      const heads = transaction.objectStore('heads')
      heads.put({ ...head, title: 'Half written' })
      queueMicrotask(() => transaction.abort())
      return transaction
    }
    await expect(replica.write({ meta: meta(1, 3) })).rejects.toBeInstanceOf(StorageFull)
    database.transaction = real
    expect(await replica.load()).toMatchObject({ meta: meta(1, 2), heads: [head] })
  })
})

describe('an upgrade', () => {
  /** What some schema, of before today, may have held. */
  async function filledAt(browser: Browser, version: number): Promise<void> {
    const request = browser.databases.indexedDB.open(replicaName('h'), version)
    request.onupgradeneeded = () => {
      for (const step of upgrades.slice(0, version)) step(request.result, request.transaction!)
    }
    const database = await result(request)
    const writing = database.transaction([...database.objectStoreNames], 'readwrite')
    const store = (name: string) => writing.objectStore(name)
    store('meta').put(1, 'pairing')
    store('meta').put(meta(1, 2), 'reach')
    store('heads').put(head)
    store('events').put(created(1), [chat, 1])
    store('events').put(written(2, 'Kept'), [chat, 2])
    for (const one of [pending(20), pending(21)]) store('outbox').put(one)
    if (version > 1) store('stranded').put(stranded)
    await over(writing)
    database.close()
  }

  const stranded = { chat, log: id(91), common: 1, events: [created(1), written(2)] }

  const marking: Upgrade = (_, transaction) => {
    const cursor = transaction.objectStore('heads').openCursor()
    cursor.onsuccess = () => {
      if (!cursor.result) return
      cursor.result.update({ ...cursor.result.value, mark: 'upgraded' })
      cursor.result.continue()
    }
  }
  const adding: Upgrade = (database) => void database.createObjectStore('later')

  const earlier = upgrades.map((_, index) => index + 1)

  it.each(earlier)('from version %i keeps everything that was there', async (version) => {
    const browser = new Browser()
    await filledAt(browser, version)
    // The newest schema of today, and two that are still to come.
    for (const schema of [upgrades, [...upgrades, marking], [...upgrades, marking, adding]]) {
      const replica = await browser.open(schema)
      const { heads, outbox, meta: kept } = await replica.load()
      expect([kept, outbox]).toEqual([meta(1, 2), [pending(20), pending(21)]])
      expect(await replica.events(chat)).toEqual([created(1), written(2, 'Kept')])
      expect(await replica.stranded()).toEqual(version > 1 ? [stranded] : [])
      expect(heads).toMatchObject([schema.length > upgrades.length ? { ...head, mark: 'upgraded' } : head])
      replica.close()
    }
  })

  it('takes every step that was missed, in order, and none twice', async () => {
    const browser = new Browser()
    await filledAt(browser, 1)
    const taken: string[] = []
    const step = (name: string): Upgrade => () => void taken.push(name)
    const schema = [...upgrades, step('one'), step('two')]
    ;(await browser.open(schema)).close()
    ;(await browser.open([...schema, step('three')])).close()
    ;(await browser.open([...schema, step('three')])).close()
    expect(taken).toEqual(['one', 'two', 'three'])
  })

  it('that fails leaves it as it was', async () => {
    const browser = new Browser()
    await filledAt(browser, upgrades.length)
    const failing: Upgrade = (_, transaction) => {
      transaction.objectStore('outbox').clear()
      throw new Error('No.')
    }
    await expect(browser.open([...upgrades, failing])).rejects.toThrow()
    const replica = await browser.open()
    expect((await replica.load()).outbox).toHaveLength(2)
  })

  it('waits for no tab of before it', async () => {
    const browser = new Browser()
    const old = await browser.open()
    const replica = await browser.open([...upgrades, adding])
    await replica.write({ add: [pending(20)] })
    await expect(old.write({ add: [pending(21)] })).rejects.toThrow()
  })

  it('is of a database that is named after its home', async () => {
    const browser = new Browser()
    await browser.open()
    const names = (await browser.databases.indexedDB.databases()).map(({ name }) => name)
    expect(names).toEqual([replicaName('h')])
    const request = browser.databases.indexedDB.open(replicaName('h'))
    const database = await result(request)
    expect([...database.objectStoreNames]).toEqual(['events', 'heads', 'meta', 'outbox', 'stranded'])
    const reading = database.transaction('outbox')
    expect(reading.objectStore('outbox').autoIncrement).toBe(true)
    await over(reading)
  })
})

it('is read by nobody who was paired before, which takes nothing from it', async () => {
  const browser = new Browser()
  const read = (pairedAt: number) => readReplica(() => browser.databases, 'h', pairedAt)
  const replica = await browser.open(undefined, 2)
  await replica.write({ add: [pending(20)] })
  await expect(read(1)).rejects.toThrow('paired anew')
  expect((await (await read(2)).load()).outbox).toHaveLength(1)
})
