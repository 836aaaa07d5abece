import { IDBFactory } from 'fake-indexeddb'
import { expect, it } from 'vitest'
import { SearchedReplica } from '../../tests/support/searched'
import { until } from '../../tests/support/until'
import { indexName, openIndex } from './kept'
import type { FromWorker, ToWorker } from './protocol'
import { serve, type ServeNeeds } from './serve'

const open: ToWorker = { type: 'open', home: 'home', pairedAt: 0 }
const search = (id: number, query: string): ToWorker => ({ type: 'search', id, query, limit: 9 })

/** One pen for all workers of a browser. */
class Pen {
  private holders = 0
  private readonly waiting: (() => void)[] = []

  hold(wait: boolean): Promise<boolean> {
    if (this.holders > 0 && !wait) return Promise.resolve(false)
    return new Promise((resolve) => {
      const take = () => {
        this.holders += 1
        resolve(true)
      }
      if (this.holders === 0) take()
      else this.waiting.push(take)
    })
  }

  drop(): void {
    this.holders -= 1
    this.waiting.shift()?.()
  }
}

function worker(replica: SearchedReplica, factory = new IDBFactory(), other: Partial<ServeNeeds> = {}) {
  const said: FromWorker[] = []
  const pen = new Pen()
  const take = serve({
    openReplica: () => Promise.resolve(replica),
    openIndex: (home) => openIndex(factory, indexName(home)),
    holdPen: (_, wait) => pen.hold(wait),
    say: (message) => said.push(message),
    now: () => 0,
    wallClock: () => 0,
    pause: () => Promise.resolve(),
    rest: () => Promise.resolve(),
    ...other,
  })
  const hits = () => said.flatMap((one) => (one.type === 'found' ? one.result.hits : []))
  /** Asks until the answer is complete. */
  async function found(query: string): Promise<string[]> {
    for (let id = 1; ; id++) {
      const before = said.length
      take(search(id, query))
      await until(() => said.length > before)
      const last = said.at(-1)
      if (last?.type !== 'found') throw new Error('It is broken.')
      if (last.result.complete) return last.result.hits.map(({ snippet }) => snippet.text)
    }
  }
  return { take, said, hits, found }
}

function oneChat(text: string) {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  replica.write(chat, text)
  return { replica, chat }
}

it('catches up with the replica, at the start and when it is told', async () => {
  const { replica, chat } = oneChat('первое слово')
  const { take, found } = worker(replica)
  take(open)
  expect(await found('слово')).toEqual(['первое слово'])
  replica.write(chat, 'второе слово')
  take({ type: 'touched', chats: [chat], erased: [] })
  expect(await found('слово')).toEqual(['второе слово', 'первое слово'])
})

it('answers only the last of the questions that came together', async () => {
  const { replica } = oneChat('слово')
  const { take, said, found } = worker(replica)
  take(open)
  await found('слово')
  said.length = 0
  take(search(101, 'с'))
  take(search(102, 'сл'))
  await until(() => said.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(said.map((one) => one.type === 'found' && one.id)).toEqual([102])
})

it('says that it is broken where the replica cannot be opened or read', async () => {
  const { replica } = oneChat('слово')
  const cannot = () => Promise.reject(new DOMException('', 'InvalidStateError'))
  const unopened = worker(replica, new IDBFactory(), { openReplica: cannot })
  unopened.take(open)
  await until(() => unopened.said.some(({ type }) => type === 'broken'))
  const unread = worker(replica)
  replica.events = cannot
  unread.take(open)
  await until(() => unread.said.some(({ type }) => type === 'broken'))
})

it('works where this browser keeps no index', async () => {
  const { replica } = oneChat('слово')
  const cannot = () => Promise.reject(new DOMException('', 'SecurityError'))
  const { take, found } = worker(replica, new IDBFactory(), { openIndex: cannot })
  take(open)
  expect(await found('слово')).toEqual(['слово'])
})

it('leaves the index to one tab of a browser, and takes over where that is gone', async () => {
  const { replica, chat } = oneChat('слово')
  const factory = new IDBFactory()
  const pen = new Pen()
  const writes = { first: 0, second: 0 }
  const counted = (who: 'first' | 'second'): Partial<ServeNeeds> => ({
    holdPen: (_, wait) => pen.hold(wait),
    openIndex: async (home) => {
      const kept = await openIndex(factory, indexName(home))
      return { ...kept, write: (change) => ((writes[who] += 1), kept.write(change)) }
    },
  })
  const first = worker(replica, factory, counted('first'))
  first.take(open)
  await first.found('слово')
  const second = worker(replica, factory, counted('second'))
  second.take(open)
  expect(await second.found('слово')).toEqual(['слово'])
  replica.write(chat, 'слово второе')
  second.take({ type: 'touched', chats: [chat], erased: [] })
  expect(await second.found('второе')).toEqual(['слово второе'])
  expect(writes.first).toBeGreaterThan(0)
  expect(writes.second).toBe(0)
  pen.drop()
  await until(() => writes.second > 0)
  expect(await second.found('второе')).toEqual(['слово второе'])
})
