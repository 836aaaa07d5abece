import { deflateSync } from 'node:zlib'
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, it } from 'vitest'
import { TestBrowser, type TestTab, turn } from '../../tests/support/browser'
import { begun, chat, created, ended, id, message, welcomeOf, written } from '../../tests/support/messages'
import { TestPc } from '../../tests/support/pc'
import type { Command, Event, FromChats } from '../protocol/generated'
import { MemoryReplica } from '../storage/memoryReplica'
import { type Change, StorageFull } from '../storage/replica'
import { openReplica } from '../storage/replicaDatabase'
import { unpack } from './unpack'

let pc: TestPc
let browser: TestBrowser
let tab: TestTab

beforeEach(async () => {
  pc = new TestPc()
  browser = new TestBrowser()
  tab = await browser.tab()
})

let made = 20_000
const create = (of: string): Command => ({ type: 'create_chat', id: id(made++), chat: of, title: 'A chat' })
const rename = (title: string): Command => ({ type: 'rename_chat', id: id(made++), chat, title })

function send(text: string): Command {
  return { type: 'send_message', id: id(made++), chat, message: id(made++), text }
}

const texts = (of = tab) => of.state.chats.get(chat)?.turns.map(({ text }) => text)
const heads = (of = tab) => [...of.state.heads.values()].map(({ title }) => title)

/** A PC with a chat of so many messages, which have all been answered. */
function fill(messages: number): void {
  pc.execute(create(chat))
  for (let number = 1; number <= messages; number++) pc.execute(send(`Message ${String(number)}`))
  pc.grow(true)
}

describe('a device that has nothing', () => {
  it('has the list before the past, and in the end all of it', async () => {
    fill(4)
    tab.connect(pc)
    tab.take()
    expect(heads()).toEqual(['A chat'])
    expect(tab.state.before).toBe(pc.head + 1)
    await tab.quiet()
    expect(tab.state).toMatchObject({ after: pc.head, before: 1 })
    expect((await browser.replica.all(null, 1_000)).events).toEqual(pc.events)
  })

  it('that was cut in the middle goes on from there', async () => {
    fill(6)
    tab.connect(pc)
    for (let times = 0; times < 4; times++) {
      tab.take()
      await turn()
    }
    const { before } = tab.state
    expect(before).toBeLessThan(pc.head)
    tab.die()
    const again = await browser.tab()
    expect(again.engine.hello()).toMatchObject({ log: pc.log, after: pc.head, before })
    again.connect(pc)
    await again.quiet()
    expect(again.state).toMatchObject({ after: pc.head, before: 1 })
  })

  it('that was cut in the middle of the list asks for it again', async () => {
    for (const of of [1, 2, 3, 4]) pc.execute(create(id(of)))
    tab.connect(pc)
    tab.take()
    await turn()
    expect(heads()).toHaveLength(2)
    expect(tab.engine.hello()).toEqual({ type: 'hello', version: 1 })
    tab.die()
    const again = await browser.tab()
    expect(again.engine.hello()).toEqual({ type: 'hello', version: 1 })
    again.connect(pc)
    await again.quiet()
    expect(heads(again)).toHaveLength(4)
  })
})

describe('with no connection', () => {
  it('shows all chats, and the turns of each that is opened, after a reload', async () => {
    fill(3)
    tab.connect(pc)
    await tab.quiet()
    tab.die()
    const again = await browser.tab()
    expect(heads(again)).toEqual(['A chat'])
    expect(again.state.chats.size).toBe(0)
    again.engine.openChat(chat)
    expect(again.engine.isOpening(chat)).toBe(true)
    await again.engine.settled()
    await turn()
    expect(texts(again)).toEqual(['Message 1', 'Message 2', 'Message 3'])
    expect(again.engine.isOpening(chat)).toBe(false)
  })

  it('does so from IndexedDB too, with pages as they come over the wire', async () => {
    const databases = { indexedDB: new IDBFactory(), IDBKeyRange }
    const open = () => openReplica(() => databases, 'h', 1)
    pc = new TestPc((events) => deflateSync(JSON.stringify(events)).toString('base64'))
    fill(5)
    browser = new TestBrowser(await open())
    browser.unpack = unpack
    tab = await browser.tab()
    tab.connect(pc)
    await tab.quiet()
    tab.line = null
    tab.engine.perform([{ ...send('Offline'), id: id(7) } as Command])
    await tab.engine.settled()
    tab.die()
    browser.replica = await open()
    const again = await browser.tab()
    expect(heads(again)).toEqual(['A chat'])
    again.engine.openChat(chat)
    while (again.engine.isOpening(chat)) await new Promise((resolve) => setTimeout(resolve, 0))
    expect(texts(again)).toHaveLength(5)
    expect(again.state.pending).toMatchObject([{ command: { id: id(7) }, state: 'waiting', told: false }])
  })
})

describe('what a person does', () => {
  it('is on disk before it is sent, and shown before either', async () => {
    const order: string[] = []
    const write = browser.replica.write.bind(browser.replica)
    browser.replica.write = async (change: Change) => {
      await turn()
      const isTaken = await write(change)
      if (change.add?.length) order.push('on disk')
      return isTaken
    }
    tab.connect(pc)
    await tab.quiet()
    const line = tab.line!
    const hear = line.hear.bind(line)
    line.hear = (said) => {
      order.push(said.type)
      hear(said)
    }
    tab.engine.perform([create(chat)])
    expect(tab.state.pending).toHaveLength(1)
    expect(order).toEqual([])
    await tab.quiet()
    expect(order).toEqual(['on disk', 'create_chat'])
    expect(tab.state.pending).toEqual([])
    expect((await browser.replica.load()).outbox).toEqual([])
  })

  it('is known to have been sent before it is, for a page that is loaded after that', async () => {
    tab.engine.perform([create(chat), rename('One')])
    await tab.engine.settled()
    expect((await browser.replica.load()).outbox.map(({ told }) => told)).toEqual([false, false])
    tab.connect(pc)
    expect(tab.commands()).toEqual([])
    while (tab.commands().length === 0) await turn()
    expect((await browser.replica.load()).outbox.map(({ told }) => told)).toEqual([true, true])
  })

  it('is sent in order, with few on the way at once', async () => {
    const commands = [create(chat), ...Array.from({ length: 79 }, (_, n) => rename(String(n)))]
    tab.engine.perform(commands)
    tab.connect(pc)
    await tab.engine.settled()
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(tab.commands()).toHaveLength(32)
    // The list of chats, and the first acknowledgement.
    tab.take()
    tab.take()
    await tab.engine.settled()
    await turn()
    expect(tab.commands()).toHaveLength(33)
    await tab.quiet()
    expect(tab.commands()).toEqual(commands)
  })

  it('is sent no faster than the PC takes it', async () => {
    const commands = [create(chat), ...Array.from({ length: 99 }, (_, n) => rename(String(n)))]
    tab.connect(pc)
    tab.engine.perform(commands)
    for (let turns = 0; turns < 300; turns++) {
      tab.take()
      await turn()
    }
    expect(tab.commands()).toHaveLength(64)
    await tab.quiet()
    expect(tab.commands()).toEqual(commands)
  })

  it('is sent again where the PC had too much to do, and no refusal is shown', async () => {
    tab.connect(pc)
    await tab.quiet()
    const command = create(chat)
    pc.execute = () => ({ type: 'error', code: 'rate_limited', message: '', re: command.id })
    tab.engine.perform([command])
    await tab.engine.settled()
    await turn()
    pc.execute = TestPc.prototype.execute
    await tab.quiet()
    expect(tab.commands()).toEqual([command, command])
    expect([heads(), tab.refused]).toEqual([['A chat'], []])
  })

  it('stays marked when it was refused, also after a reload', async () => {
    tab.connect(pc)
    await tab.quiet()
    tab.engine.perform([send('To nobody')])
    await tab.quiet()
    const marked = [{ state: 'refused', code: 'chat_unknown', command: { text: 'To nobody' } }]
    expect(tab.state.pending).toMatchObject(marked)
    tab.die()
    const again = await browser.tab()
    expect(again.state.pending).toMatchObject(marked)
    again.connect(pc)
    await again.quiet()
    expect(again.commands()).toEqual([])
  })

  it('is done again in an older backup that has none of it, and not twice in one that has', async () => {
    tab.connect(pc)
    tab.engine.perform([create(chat), send('Hello?')])
    await tab.quiet()
    // The backup has the chat; of the message the device knows only that it is on its way.
    tab.line = null
    tab.engine.perform([rename('Later')])
    await tab.engine.settled()
    pc.restore()
    tab.connect(pc)
    await tab.quiet()
    expect(heads()).toEqual(['Later'])
    expect(tab.state.log).toBe(pc.log)
    expect((await browser.replica.load()).meta?.log).toBe(pc.log)
  })
})

describe('what only this device has after the PC went back to a backup', () => {
  let common: number

  beforeEach(async () => {
    fill(4)
    tab.connect(pc)
    await tab.quiet()
    const { log } = pc
    pc.restore()
    common = pc.common.get(log)!
    tab.connect(pc)
    await tab.quiet()
  })

  it('is set aside, and can be told from what the PC has', async () => {
    expect(tab.engine.strandedChats).toBe(1)
    const [one] = await tab.engine.stranded()
    expect([one?.chat, one?.common]).toEqual([chat, common])
    const lost = one?.events.flatMap((event) => (event.type === 'message_written' ? [event.text] : []))
    expect(lost).toEqual([1, 2, 3, 4].map((number) => `Message ${String(number)}`))
  })

  it('is there in every tab, and in one that is opened later, until it is brought back', async () => {
    const later = await browser.tab()
    await later.quiet()
    expect(later.engine.strandedChats).toBe(1)
    await later.engine.land([chat])
    expect(later.engine.strandedChats).toBe(0)
    expect(await tab.engine.stranded()).toEqual([])
    expect(tab.engine.strandedChats).toBe(0)
  })

  it('goes with the chat, where that is deleted', async () => {
    tab.engine.perform([{ type: 'delete_chat', id: id(made++), chat }])
    await tab.quiet()
    expect(tab.engine.strandedChats).toBe(0)
  })
})

describe('a chat that is opened', () => {
  beforeEach(() => fill(8))

  it('is fetched once on each connection, for as long as it is not whole here', async () => {
    tab.connect(pc)
    tab.take()
    tab.take()
    await turn()
    tab.engine.openChat(chat)
    await turn()
    tab.engine.openChat(chat)
    const asked = () => tab.line!.sent.filter(({ type }) => type === 'fetch_chat')
    expect(asked()).toHaveLength(1)
    expect(tab.engine.isOpening(chat)).toBe(true)
    while (tab.engine.isOpening(chat)) {
      tab.take()
      await turn()
    }
    expect(tab.state.before).toBeGreaterThan(1)
    expect(texts()).toHaveLength(8)
    tab.connect(pc)
    await turn()
    expect(asked()).toEqual([])
  })

  it('needs no fetching where all of it is here', async () => {
    tab.connect(pc)
    await tab.quiet()
    tab.engine.openChat(chat)
    await tab.quiet()
    expect(tab.line!.sent.map(({ type }) => type)).toEqual(['hello'])
    expect(texts()).toHaveLength(8)
  })

  it('needs no fetching where it was begun after this device had the list', async () => {
    tab.connect(pc)
    tab.take()
    const other = id(60)
    pc.execute(create(other))
    tab.take()
    await turn()
    tab.engine.openChat(other)
    await turn()
    expect(tab.state.before).toBeGreaterThan(1)
    expect(tab.line!.sent.map(({ type }) => type)).toEqual(['hello'])
    expect(tab.engine.isOpening(other)).toBe(false)
  })

  it('goes from memory when enough others were opened after it', async () => {
    tab.connect(pc)
    await tab.quiet()
    tab.engine.openChat(chat)
    for (let number = 100; number < 108; number++) tab.engine.openChat(id(number))
    await turn()
    expect(tab.state.chats.has(chat)).toBe(false)
    expect(tab.state.chats.size).toBe(8)
    tab.engine.openChat(chat)
    await turn()
    expect(texts()).toHaveLength(8)
  })

  it('goes with what was said in it when it is deleted, from the disk too', async () => {
    tab.connect(pc)
    await tab.quiet()
    tab.engine.openChat(chat)
    pc.append({ type: 'chat_deleted', chat })
    await tab.quiet()
    expect([tab.state.chats.size, heads()]).toEqual([0, []])
    expect((await browser.replica.all(null, 10)).events).toEqual([])
    expect(tab.touched).toContain(`-${chat}`)
  })
})

it('shows nothing from the disk of a chat that the list names no more', async () => {
  fill(2)
  tab.connect(pc)
  await tab.quiet()
  tab.engine.openChat(chat)
  await turn()
  expect(texts()).toHaveLength(2)
  pc.append({ type: 'chat_deleted', chat })
  tab.say(welcomeOf(pc.head, { log: pc.log, after: pc.head, before: pc.head + 1 }))
  tab.say({ type: 'chat_list', chats: [] })
  tab.engine.openChat(chat)
  tab.engine.openChat(id(77))
  for (let other = 80; other < 88; other++) tab.engine.openChat(id(other))
  tab.engine.openChat(chat)
  await tab.engine.settled()
  await turn()
  expect([heads(), texts()]).toEqual([[], []])
})

it('says what it has taken, and takes nothing more of a line that has ended', async () => {
  fill(2)
  tab.connect(pc)
  await tab.quiet()
  const { after } = tab.state
  const page = (seq: number): FromChats => {
    return { type: 'history', first: seq, last: seq, packed: pc.pack([written(seq)]) }
  }
  tab.say(page(after + 1))
  tab.say(page(after + 2))
  tab.line = null
  expect(tab.engine.hello()).toMatchObject({ after })
  await tab.engine.settled()
  // Only the one that was being unpacked.
  expect(tab.state.after).toBe(after + 1)
})

it('asks anew where it was welcomed with more than it has by then', async () => {
  fill(2)
  tab.connect(pc)
  await tab.quiet()
  tab.say(welcomeOf(pc.head + 3, { log: pc.log, after: pc.head + 3, before: pc.head + 4 }))
  expect([tab.state.before, tab.resyncs]).toEqual([pc.head + 4, 0])
  tab.say(welcomeOf(pc.head + 3, { log: pc.log, after: pc.head }))
  expect(tab.resyncs).toBe(1)
})

describe('a page that cannot be taken', () => {
  it('has the engine ask anew, and take nothing from beyond it', async () => {
    fill(2)
    tab.connect(pc)
    await tab.quiet()
    const { after } = tab.state
    tab.say({ type: 'history', first: after + 1, last: after + 3, packed: 'no page' })
    tab.say({ type: 'events', events: [written(after + 9)], upto: after + 9 })
    await turn()
    expect([tab.resyncs > 0, tab.state.after]).toEqual([true, after])
    pc.execute(send('More'))
    tab.connect(pc)
    await tab.quiet()
    expect(tab.state.after).toBe(pc.head)
  })

  it('is one that leaves a gap', async () => {
    fill(2)
    tab.connect(pc)
    await tab.quiet()
    const { after } = tab.state
    const packed = pc.pack([written(after + 3)])
    tab.say({ type: 'history', first: after + 3, last: after + 3, packed })
    tab.say({ type: 'events', events: [written(after + 4)], upto: after + 4 })
    await turn()
    expect([tab.resyncs > 0, tab.state.after]).toEqual([true, after])
  })
})

describe('an answer', () => {
  const say = (more: FromChats) => tab.say(more)
  const events = (...list: Event[]) => say({ type: 'events', events: list, upto: list.at(-1)!.seq })

  beforeEach(async () => {
    tab.say(welcomeOf(0))
    events(created(1), written(2), begun(3))
    say({ type: 'delta', chat, answer: id(3), index: 0, text: 'Once ' })
    await turn()
  })

  it('is gone on with after a cut, from where it was', () => {
    expect(tab.engine.hello()).toMatchObject({ drafts: [{ answer: id(3), index: 1 }] })
    say(welcomeOf(3, { after: 3 }))
    say({ type: 'delta', chat, answer: id(3), index: 1, text: 'upon' })
    expect(tab.state.live.get(id(3))?.text).toBe('Once upon')
  })

  it('is heard of in a draft by a page that was loaded in the middle', async () => {
    await tab.engine.settled()
    tab.die()
    tab = await browser.tab()
    say(welcomeOf(3, { after: 3 }))
    say({ type: 'draft', chat, answer: id(3), index: 2, text: 'Once upon' })
    say({ type: 'delta', chat, answer: id(3), index: 2, text: ' a time' })
    expect(tab.state.live.get(id(3))?.text).toBe('Once upon a time')
  })

  it('has ended, though a slower road still brings its draft', () => {
    events(ended(4, 'Once upon a time'))
    say({ type: 'draft', chat, answer: id(3), index: 2, text: 'Once upon' })
    events(ended(4, 'Once upon a time'))
    expect(tab.state.live.size).toBe(0)
  })
})

describe('two tabs', () => {
  let other: TestTab

  beforeEach(async () => {
    other = await browser.tab()
  })

  async function spread(): Promise<void> {
    await Promise.all([tab.engine.settled(), other.engine.settled()])
    await turn()
    browser.spread()
    await turn()
  }

  it('show what is done in either, and it is sent by whichever is connected', async () => {
    tab.engine.perform([create(chat)])
    await spread()
    expect(other.state.pending).toHaveLength(1)
    other.connect(pc)
    await other.quiet()
    expect(pc.heads.size).toBe(1)
    await spread()
    expect(tab.state.pending).toMatchObject([{ state: 'acknowledged' }])
    tab.connect(pc)
    await tab.quiet()
    expect([tab.state.pending, pc.heads.size]).toEqual([[], 1])
  })

  it('take back what one of them takes back', async () => {
    tab.engine.perform([create(chat)])
    await spread()
    other.engine.withdraw([other.state.pending[0]!.command.id])
    await spread()
    expect(tab.state.pending).toEqual([])
    tab.connect(pc)
    await tab.quiet()
    expect(pc.heads.size).toBe(0)
  })

  it('find what one of them did that died before it told', async () => {
    tab.engine.perform([create(chat)])
    await tab.engine.settled()
    tab.die()
    expect(other.state.pending).toEqual([])
    other.connect(pc)
    await other.quiet()
    expect(pc.heads.size).toBe(1)
  })

  it('begin anew where another tab dropped what they go on from', async () => {
    fill(4)
    for (const one of [tab, other]) {
      one.connect(pc)
      await one.quiet()
    }
    // The last word of the log before reaches the one after the other has heard of the next.
    const events = [written(pc.head + 1)]
    const late: FromChats = { type: 'events', events, upto: pc.head + 1 }
    pc.restore()
    other.connect(pc)
    await other.engine.settled()
    tab.say(late)
    await tab.engine.settled()
    await turn()
    expect(tab.resyncs).toBe(1)
    expect(heads()).toEqual(['A chat'])
    expect(tab.engine.hello()).toEqual({ type: 'hello', version: 1 })
    for (const one of [tab, other]) {
      if (!one.line) one.connect(pc)
      await one.quiet()
      expect(one.state).toMatchObject({ log: pc.log, after: pc.head, before: 1 })
    }
    expect((await browser.replica.all(null, 1_000)).events).toEqual(pc.events)
  })

  it('show nothing of another log than their own', async () => {
    fill(4)
    for (const one of [tab, other]) {
      one.connect(pc)
      await one.quiet()
    }
    pc.restore()
    other.connect(pc)
    await other.quiet()
    tab.engine.openChat(chat)
    await tab.quiet()
    expect(tab.state.log).not.toBe(other.state.log)
    expect(texts()).toEqual([])
    tab.connect(pc)
    await tab.quiet()
    expect(texts()).not.toEqual([])
  })

  it('pass over what a tab of another version says', () => {
    for (const nonsense of [null, 7, 'added', { type: 'sung' }, { type: 'added' }, { type: 'withdrawn' }]) {
      tab.hear(nonsense)
    }
    expect(tab.state.pending).toEqual([])
  })
})

describe('a browser', () => {
  it('that keeps nothing still shows and sends, and says so', async () => {
    fill(3)
    browser.open = () => Promise.resolve(null)
    tab = await browser.tab()
    expect(tab.engine.kept).toBe(false)
    tab.connect(pc)
    tab.engine.perform([send('Well?')])
    tab.engine.openChat(chat)
    await tab.quiet()
    expect(texts()).toEqual(['Message 1', 'Message 2', 'Message 3', 'Well?'])
    expect((await browser.replica.load()).meta).toBeNull()
  })

  it('that fails to open its database is like one that keeps nothing', async () => {
    browser.open = () => Promise.reject(new DOMException('', 'UnknownError'))
    tab = await browser.tab()
    tab.connect(pc)
    tab.engine.perform([create(chat)])
    await tab.quiet()
    expect([tab.engine.kept, heads()]).toEqual([false, ['A chat']])
  })

  describe('that is full', () => {
    class FullReplica extends MemoryReplica {
      isFull = false
      /** Some room is left for little. */
      most = 0

      override write(change: Change): Promise<boolean> {
        const grows = (change.events?.length ?? 0) + (change.heads?.length ?? 0) + (change.add?.length ?? 0)
        if (this.isFull && grows > this.most) return Promise.reject(new StorageFull())
        return super.write(change)
      }
    }
    let replica: FullReplica

    beforeEach(async () => {
      replica = new FullReplica()
      browser = new TestBrowser(replica)
      tab = await browser.tab()
      fill(3)
      tab.connect(pc)
      await tab.quiet()
      replica.isFull = true
    })

    it('says so, and shows what it has in memory', async () => {
      expect(tab.engine.full).toBe(false)
      pc.execute(send('Beyond'))
      await tab.quiet()
      expect(tab.engine.full).toBe(true)
      tab.engine.openChat(chat)
      await tab.quiet()
      expect(texts()).toEqual(['Message 1', 'Message 2', 'Message 3', 'Beyond'])
    })

    it('has no hole in what it keeps when there is room again', async () => {
      pc.execute(send('Beyond'))
      await tab.quiet()
      replica.isFull = false
      pc.execute(send('And further'))
      await tab.quiet()
      tab.die()
      tab = await browser.tab()
      tab.connect(pc)
      await tab.quiet()
      expect((await replica.all(null, 1_000)).events).toEqual(pc.events)
      expect(tab.engine.full).toBe(false)
    })

    it('sends what a person says, and keeps that while there is room for little', async () => {
      replica.most = 1
      tab.line = null
      pc.execute(send('Beyond'))
      pc.grow(true)
      tab.connect(pc)
      await tab.quiet()
      tab.line = null
      tab.engine.perform([send('Kept')])
      await tab.engine.settled()
      expect((await replica.load()).outbox).toHaveLength(1)
      replica.most = 0
      tab.engine.perform([send('In memory only')])
      tab.connect(pc)
      await tab.quiet()
      const said = pc.events.flatMap((one) => (one.type === 'message_written' ? [one.text] : []))
      expect(said.slice(-2)).toEqual(['Kept', 'In memory only'])
    })

    it('still lets go of what was deleted', async () => {
      pc.execute(send('Beyond'))
      pc.append({ type: 'chat_deleted', chat })
      await tab.quiet()
      expect((await replica.all(null, 10)).events).toEqual([])
    })
  })

  it('has nothing of it when it is told to forget', async () => {
    fill(2)
    tab.connect(pc)
    await tab.quiet()
    tab.engine.perform([send('Unsent')])
    await tab.engine.destroy()
    expect(await browser.replica.load()).toEqual({ meta: null, heads: [], outbox: [] })
    expect(tab.state.heads.size).toBe(0)
    tab.say({ type: 'events', events: [written(99, 'Late', message)], upto: 99 })
    expect(tab.state.after).toBe(0)
  })
})
