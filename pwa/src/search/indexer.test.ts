import { IDBFactory } from 'fake-indexeddb'
import { expect, it } from 'vitest'
import { below, oneOf, type Random, random, SearchedReplica } from '../../tests/support/searched'
import { isForm, stem } from './endings'
import { Indexer } from './indexer'
import { type IndexStorage, indexName, openIndex } from './kept'
import { words } from './words'

const nowMs = 1_000 * 24 * 3_600_000
const needs = {
  now: () => 0,
  wallClock: () => nowMs,
  pause: () => Promise.resolve(),
  rest: () => Promise.resolve(),
}
const name = indexName('home')

async function start(
  replica: SearchedReplica,
  factory: IDBFactory | null = null,
): Promise<{ indexer: Indexer; kept: IndexStorage | null }> {
  const kept = factory && (await openIndex(factory, name))
  const indexer = new Indexer(replica, kept, needs)
  await indexer.open()
  return { indexer, kept }
}

async function ready(replica: SearchedReplica): Promise<Indexer> {
  const { indexer } = await start(replica)
  await indexer.catchUp()
  return indexer
}

async function texts(indexer: Indexer, query: string, limit = 50): Promise<string[]> {
  const { hits } = await indexer.search(query, limit)
  return hits.map(({ snippet }) => snippet.text)
}

/** The same by reading everything: as `rank.ts` says it, in the simplest way. */
function scan(replica: SearchedReplica, text: string, limit: number) {
  const query = [...new Set(words(text))]
  const fit = (word: string, wanted: string) => {
    if (word === wanted) return 1
    if (word.startsWith(wanted)) return 0.6
    return word.startsWith(stem(wanted)) && isForm(word, stem(wanted)) ? 0.3 : 0
  }
  const found = []
  for (const { head, events } of replica.chats.values()) {
    const there = events.filter(({ seq }) => seq >= replica.before)
    const written = there.filter((event) => event.type === 'message_written')
    const documents = written.map(({ seq, text, at_ms, message }) => ({ seq, text, at_ms, message, inAnswer: false }))
    for (const { message } of written) {
      const begun = there.filter((event) => event.type === 'answer_begun' && event.message === message)
      const ids = begun.map((event) => 'answer' in event && event.answer)
      const ended = there.filter((event) => event.type === 'answer_ended')
      const last = ended.filter(({ answer }) => ids.includes(answer)).at(-1)
      if (last) documents.push({ ...last, message, inAnswer: true })
    }
    for (const document of documents) {
      const own = words(document.text)
      const title = words(head.title)
      const all = document.seq === written[0]?.seq ? [...own, ...title] : own
      const fits = query.map((wanted) => Math.max(0, ...all.map((word) => fit(word, wanted))))
      if (query.length === 0 || fits.some((one) => one === 0)) continue
      const titled = query.filter((wanted) => title.some((word) => fit(word, wanted) > 0)).length
      const quality = fits.reduce((sum, one) => sum + one, 0) / query.length
      const days = (nowMs - document.at_ms) / (24 * 3_600_000)
      const score = (quality + titled / query.length / 2) / (1 + days / 30)
      found.push({ ...document, chat: head.id, score })
    }
  }
  const near = (one: number, other: number) => Math.abs(one - other) < 1e-12
  found.sort((a, b) => (near(a.score, b.score) ? b.seq - a.seq : b.score - a.score))
  return found.slice(0, limit).map(({ chat, message, inAnswer }) => ({ chat, message, inAnswer }))
}

const vocabulary = (
  'кот кота коту коты котлета котёл ёж ежи ежевика книга книгу книгами книжный йод мой моя ' +
  'программа программы программист cat cats category walk walking walked code x2 get_name Привет'
).split(' ')

const phrase = (next: Random, most: number) =>
  Array.from({ length: 1 + below(next, most) }, () => oneOf(next, vocabulary)).join(' ')

const queryOf = (next: Random) =>
  phrase(next, 3)
    .split(' ')
    .map((word) => (next() < 0.5 ? word : word.slice(0, 1 + below(next, word.length))))
    .join(' ')

/** Does one thing to the replica, and says what the search is told of it. */
function act(replica: SearchedReplica, next: Random): [touched: string[], erased: string[]] {
  const chats = [...replica.chats.keys()]
  const kind = next()
  const atMs = nowMs - below(next, 300 * 24 * 3_600_000)
  if (chats.length === 0 || kind < 0.1) return [[replica.create(phrase(next, 2))], []]
  const chat = oneOf(next, chats)
  const written = replica.chats.get(chat)?.events.filter(({ type }) => type === 'message_written')
  const message = written?.length ? oneOf(next, written) : null
  if (kind < 0.16) {
    replica.chats.delete(chat)
    return [[], [chat]]
  }
  if (kind < 0.22) replica.rename(chat, phrase(next, 2))
  else if (kind < 0.6 || !message || !('message' in message)) replica.write(chat, phrase(next, 12), atMs)
  else if (kind < 0.7) replica.begin(chat, message.message, atMs)
  else replica.answer(chat, message.message, phrase(next, 30), atMs)
  return [[chat], []]
}

it.each([1, 2, 3, 4, 5, 6])('finds what a scan of everything finds, run %i', async (seed) => {
  const next = random(seed)
  const replica = new SearchedReplica()
  const factory = new IDBFactory()
  for (let event = 0; event < 60; event++) act(replica, next)
  replica.before = 40
  let { indexer, kept } = await start(replica, factory)
  await indexer.catchUp()
  for (let round = 0; round < 60; round++) {
    if (next() < 0.15) {
      kept?.close()
      // What happens while nobody listens is found at the next start.
      for (let event = 0; event < 3; event++) act(replica, next)
      if (next() < 0.5) replica.before = Math.max(1, replica.before - 10)
      ;({ indexer, kept } = await start(replica, factory))
      await indexer.catchUp()
    }
    for (let event = 0; event < 4; event++) await indexer.touched(...act(replica, next))
    const query = queryOf(next)
    const limit = oneOf(next, [1, 3, 50, 1000])
    const { hits, complete } = await indexer.search(query, limit)
    const found = hits.map(({ chat, message, inAnswer }) => ({ chat, message, inAnswer }))
    expect(found, query).toEqual(scan(replica, query, limit))
    expect(complete).toBe(true)
  }
  kept?.close()
})

it('finds by beginnings, without regard to ё and case, all of the words', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  replica.write(chat, 'Ещё один Ёжик')
  replica.write(chat, 'один ежевичный пирог')
  const indexer = await ready(replica)
  expect(await texts(indexer, 'ЕЖ оди')).toEqual(['один ежевичный пирог', 'Ещё один Ёжик'])
  expect(await texts(indexer, 'еще ёж')).toEqual(['Ещё один Ёжик'])
  expect(await texts(indexer, ' — ')).toEqual([])
})

it('puts the newer first, unless it fits worse', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  const day = 24 * 3_600_000
  replica.write(chat, 'кот старый', nowMs - 200 * day)
  replica.write(chat, 'кот', nowMs - 5 * day)
  replica.write(chat, 'котёл', nowMs - day)
  const indexer = await ready(replica)
  expect(await texts(indexer, 'кот')).toEqual(['кот', 'котёл', 'кот старый'])
})

it('puts the newer event first where all else is equal, with any limit', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  for (let message = 0; message < 5; message++) replica.write(chat, `кот ${message}`)
  const indexer = await ready(replica)
  expect(await texts(indexer, 'кот', 1)).toEqual(['кот 4'])
  expect(await texts(indexer, 'кот', 3)).toEqual(['кот 4', 'кот 3', 'кот 2'])
})

it('finds a chat again that was away for a while', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  replica.write(chat, 'слово')
  const indexer = await ready(replica)
  const there = replica.chats.get(chat)!
  replica.chats.delete(chat)
  await indexer.touched([], [])
  replica.chats.set(chat, there)
  await indexer.touched([], [])
  expect(await texts(indexer, 'слово')).toEqual(['слово'])
})

it('counts the title as part of the first message, and prefers its chat', async () => {
  const replica = new SearchedReplica()
  const trip = replica.create('Отпуск в горах')
  replica.write(trip, 'куда поехать')
  replica.write(trip, 'билеты')
  const other = replica.create('Другое')
  replica.write(other, 'билеты на отпуск')
  replica.write(other, 'горы')
  const indexer = await ready(replica)
  expect(await texts(indexer, 'горах')).toEqual(['куда поехать', 'горы'])
  expect(await texts(indexer, 'отпуск')).toEqual(['куда поехать', 'билеты на отпуск'])
  replica.rename(trip, 'Поездка')
  await indexer.touched([trip], [])
  expect(await texts(indexer, 'отпуск')).toEqual(['билеты на отпуск'])
})

it('knows of the answers to a message the one that ended last', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  const message = replica.write(chat, 'вопрос')
  replica.answer(chat, message, 'прежний ответ')
  const indexer = await ready(replica)
  replica.begin(chat, message)
  await indexer.touched([chat], [])
  expect(await texts(indexer, 'ответ')).toEqual(['прежний ответ'])
  replica.answer(chat, message, 'новый ответ')
  await indexer.touched([chat], [])
  const { hits } = await indexer.search('ответ', 9)
  expect(hits).toMatchObject([{ message, inAnswer: true, snippet: { text: 'новый ответ' } }])
})

it('finds nothing of a chat from the moment that it is erased', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  replica.write(chat, 'тайна')
  const indexer = await ready(replica)
  const done = indexer.touched([], [chat])
  expect(await texts(indexer, 'тайна')).toEqual([])
  await done
})

it('reads for what is new in a chat no other chat', async () => {
  const replica = new SearchedReplica()
  const chats = ['x', 'y', 'z'].map((title) => replica.create(title))
  const indexer = await ready(replica)
  const [chat = ''] = chats
  const { reads, looks } = replica
  replica.write(chat, 'слово')
  await indexer.touched([chat], [])
  expect({ reads: replica.reads, looks: replica.looks }).toEqual({ reads: reads + 1, looks })
})

it('reads once what is touched while it waits for its turn', async () => {
  const replica = new SearchedReplica()
  const chats = ['x', 'y', 'z'].map((title) => replica.create(title))
  const { indexer } = await start(replica)
  const { events } = replica
  replica.events = (chat) => {
    replica.events = events
    void indexer.touched(chats.filter((other) => other !== chat), [])
    return events.call(replica, chat)
  }
  await indexer.catchUp()
  expect(replica.reads).toBe(3)
  await indexer.catchUp()
  expect(indexer.isComplete).toBe(true)
})

it('says that it is not complete while it catches up, and answers meanwhile', async () => {
  const replica = new SearchedReplica()
  const chat = replica.create('x')
  replica.write(chat, 'старое слово')
  const indexer = await ready(replica)
  replica.write(chat, 'новое слово')
  const done = indexer.touched([chat], [])
  const early = await indexer.search('слово', 9)
  expect(early.complete).toBe(false)
  expect(early.hits).toMatchObject([{ snippet: { text: 'старое слово' } }])
  await done
  const late = await indexer.search('слово', 9)
  expect(late.complete).toBe(true)
  expect(late.hits).toHaveLength(2)
})

it('lets others go first every few milliseconds', async () => {
  const replica = new SearchedReplica()
  const next = random(5)
  const chat = replica.create('x')
  for (let message = 0; message < 600; message++) replica.write(chat, phrase(next, 30))
  let clock = 0
  const pauses: number[] = []
  const indexer = new Indexer(replica, null, {
    ...needs,
    now: () => (clock += 1),
    pause: () => {
      pauses.push(clock)
      return Promise.resolve()
    },
  })
  await indexer.open()
  await indexer.catchUp()
  const between = pauses.map((at, index) => at - (pauses[index - 1] ?? 0))
  expect(pauses.length).toBeGreaterThan(50)
  expect(Math.max(...between)).toBeLessThan(12)
})
