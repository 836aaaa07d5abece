import { expect, it } from 'vitest'
import { SearchFailed, searchClient, SearchSuperseded, type WorkerLike } from './client'
import type { FromWorker, ToWorker } from './protocol'
import type { SearchResult } from './types'

const nothing: SearchResult = { hits: [], complete: true }
const partial: SearchResult = { hits: [], complete: false }

class WorkerEnd implements WorkerLike {
  onmessage: WorkerLike['onmessage'] = null
  onerror: WorkerLike['onerror'] = null
  isEnded = false
  readonly heard: ToWorker[] = []

  postMessage(message: ToWorker): void {
    this.heard.push(message)
  }

  terminate(): void {
    this.isEnded = true
  }

  say(data: FromWorker): void {
    this.onmessage?.call(this as never, { data } as MessageEvent<FromWorker>)
  }

  crash(): void {
    this.onerror?.call(this as never, new Event('error') as ErrorEvent)
  }
}

function client() {
  const workers: WorkerEnd[] = []
  const opened = searchClient({ id: 'home', pairedAt: 7 }, () => {
    workers.push(new WorkerEnd())
    return workers.at(-1) as WorkerEnd
  })
  return { opened, workers, last: () => workers.at(-1) as WorkerEnd }
}

const asked = (id: number, query: string) => ({ type: 'search', id, query, limit: 9 })

it('has the worker open the home at once, and hands it questions and news', async () => {
  const { opened, last } = client()
  const answer = opened.search('кот', 9)
  opened.touched(['a'], ['b'])
  expect(last().heard).toEqual([
    { type: 'open', home: 'home', pairedAt: 7 },
    asked(1, 'кот'),
    { type: 'touched', chats: ['a'], erased: ['b'] },
  ])
  last().say({ type: 'found', id: 1, result: partial })
  expect(await answer).toEqual(partial)
})

it('answers the latest question only', async () => {
  const { opened, last } = client()
  const first = opened.search('к', 9)
  const second = opened.search('ко', 9)
  await expect(first).rejects.toBeInstanceOf(SearchSuperseded)
  last().say({ type: 'found', id: 1, result: partial })
  last().say({ type: 'found', id: 2, result: nothing })
  expect(await second).toEqual(nothing)
})

it.each([
  ['crashes', (worker: WorkerEnd) => worker.crash()],
  ['says that it is broken', (worker: WorkerEnd) => worker.say({ type: 'broken' })],
])('asks a new worker where one %s, once', async (_, fail) => {
  const { opened, workers, last } = client()
  const answer = opened.search('кот', 9)
  fail(last())
  expect(workers).toHaveLength(2)
  expect(workers[0]?.isEnded).toBe(true)
  expect(last().heard).toEqual([{ type: 'open', home: 'home', pairedAt: 7 }, asked(1, 'кот')])
  fail(last())
  await expect(answer).rejects.toBeInstanceOf(SearchFailed)
  expect(workers).toHaveLength(2)
  expect(last().isEnded).toBe(true)
})

it('tries again with the next question after it failed', async () => {
  const { opened, workers, last } = client()
  last().crash()
  last().crash()
  opened.touched(['a'], [])
  const answer = opened.search('кот', 9)
  expect(workers).toHaveLength(3)
  last().say({ type: 'found', id: 1, result: nothing })
  expect(await answer).toEqual(nothing)
})

it('counts a crash anew after an answer', async () => {
  const { opened, workers, last } = client()
  for (let id = 1; id <= 3; id++) {
    const answer = opened.search('кот', 9)
    last().crash()
    last().say({ type: 'found', id, result: nothing })
    expect(await answer).toEqual(nothing)
  }
  expect(workers).toHaveLength(4)
})

it('hears nothing of a worker that it gave up', async () => {
  const { opened, workers, last } = client()
  const answer = opened.search('кот', 9)
  const [first] = workers
  last().crash()
  first?.say({ type: 'found', id: 1, result: partial })
  first?.crash()
  last().say({ type: 'found', id: 1, result: nothing })
  expect(await answer).toEqual(nothing)
  expect(workers).toHaveLength(2)
})

it('ends the worker and drops the question when it is closed', async () => {
  const { opened, last } = client()
  const answer = opened.search('кот', 9)
  opened.close()
  await expect(answer).rejects.toBeInstanceOf(SearchSuperseded)
  expect(last().isEnded).toBe(true)
})
