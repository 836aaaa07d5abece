import { beforeEach, describe, expect, it } from 'vitest'
import {
  begun,
  chat,
  created,
  ended,
  id,
  message,
  welcomeOf,
  written,
} from '../../tests/support/messages'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { disconnected } from '../net/connection'
import type { Command, Event, SendMessage } from '../protocol/generated'
import { useChats } from './chats'
import { useNotices } from './notices'

let outside: TestServices
let chats: ReturnType<typeof useChats>

beforeEach(async () => {
  outside = new TestServices()
  chats = await outside.begin()
  chats.open(chat)
  outside.connect()
})

function events(...list: Event[]): void {
  outside.say({ type: 'events', events: list, upto: list.at(-1)!.seq })
}

function delta(index: number, text: string): void {
  outside.say({ type: 'delta', chat, answer: id(3), index, text })
}

/** What was sent to the PC, once there are so many. */
async function sent(count: number): Promise<Command[]> {
  const commands = () => outside.sent.filter((one): one is Command => 'id' in one)
  await until(() => commands().length >= count)
  return commands()
}

async function refused(text: string): Promise<SendMessage> {
  chats.send(chat, text)
  const command = await outside.said('send_message', text)
  outside.say({ type: 'error', code: 'engine_busy', message: '', re: command.id })
  return command
}

describe('what is said', () => {
  it('goes out with a new chat, and is shown at once', async () => {
    const made = chats.send(null, 'Hello there')
    expect(chats.turns(made)).toMatchObject([{ text: 'Hello there', state: 'waiting' }])
    expect(chats.activity(made)).toBe('awaiting')
    expect(await sent(2)).toMatchObject([
      { type: 'create_chat', chat: made, title: 'Hello there' },
      { type: 'send_message', chat: made, text: 'Hello there' },
    ])
  })

  it('goes out again after a reconnect, with the same ids', async () => {
    chats.send(null, 'Hello')
    const first = await sent(2)
    outside.sent = []
    outside.connect()
    expect(await sent(2)).toEqual(first)
  })

  it('is not sent again once the PC has it', async () => {
    chats.send(null, 'Hello')
    for (const [index, command] of (await sent(2)).entries()) {
      outside.say({ type: 'acknowledged', id: command.id, seq: index + 1 })
    }
    outside.sent = []
    outside.connect()
    chats.rename(chat, 'What goes out next')
    expect(await sent(1)).toMatchObject([{ type: 'rename_chat' }])
  })

  it('and refused can be sent again, under a new id', async () => {
    events(created(1))
    const first = await refused('Hello')
    expect(chats.turns(chat)).toMatchObject([{ state: 'refused', code: 'engine_busy' }])
    expect([chats.unsent, chats.list[0]?.unsent]).toEqual([1, true])
    outside.sent = []
    chats.sendAgain(first.message)
    const [again] = await sent(1)
    expect(again).toMatchObject({ type: 'send_message', message: first.message })
    expect(again).not.toMatchObject({ id: first.id })
    expect(chats.turns(chat)).toMatchObject([{ state: 'waiting' }])
  })

  it('and refused can be said in other words, or discarded', async () => {
    events(created(1))
    const first = await refused('Hello')
    chats.edit(chat, first.message, 'Good day')
    expect(await outside.said('send_message', 'Good day')).toMatchObject({ message: first.message })
    const other = await refused('Well?')
    expect(chats.takeBack(other.message, 'refused')).toBe('Well?')
    expect(chats.turns(chat).map(({ text }) => text)).toEqual(['Good day'])
  })

  it('is found even where its chat has gone meanwhile', async () => {
    events(created(1))
    await refused('Something dear')
    events({ type: 'chat_deleted', seq: 2, at_ms: 20, chat })
    expect(chats.list).toMatchObject([{ id: chat, title: 'Something dear', unsent: true }])
    chats.open(chat)
    expect(chats.turns(chat)).toMatchObject([{ text: 'Something dear', state: 'refused' }])
    const again = chats.sendAgain(chats.turns(chat)[0]!.id)
    expect(again).not.toBe(chat)
    expect(chats.list).toMatchObject([{ id: again, title: 'Something dear' }])
  })

  it('goes on together in a new chat where the old one has gone', async () => {
    events(created(1))
    const [first, second] = [await refused('One'), await refused('Two')]
    events({ type: 'chat_deleted', seq: 2, at_ms: 20, chat })
    outside.sent = []
    const made = chats.sendAgain(first.message)!
    expect(chats.list.map(({ id }) => id)).toEqual([made])
    expect(chats.turns(made).map(({ text, state }) => [text, state])).toEqual([
      ['One', 'waiting'],
      ['Two', 'refused'],
    ])
    expect(chats.sendAgain(second.message)).toBe(made)
    expect(await sent(3)).toMatchObject([
      { type: 'create_chat', chat: made },
      { type: 'send_message', chat: made, text: 'One' },
      { type: 'send_message', chat: made, text: 'Two' },
    ])
  })

  it('is not said in a chat that has gone, though something refused is shown there', async () => {
    events(created(1))
    await refused('One')
    events({ type: 'chat_deleted', seq: 2, at_ms: 20, chat })
    expect(chats.has(chat)).toBe(true)
    const made = chats.send(chat, 'More')
    expect(made).not.toBe(chat)
    expect(await outside.said('create_chat')).toMatchObject({ chat: made, title: 'More' })
  })
})

describe('a running answer', () => {
  beforeEach(() => events(created(1), written(2), begun(3)))

  it('is shown once a frame, however much of it comes', () => {
    for (let index = 0; index < 50; index++) delta(index, 'x')
    expect(outside.frames).toHaveLength(1)
    expect(chats.liveText(id(3))).toBe('')
    outside.paint()
    expect(chats.liveText(id(3))).toHaveLength(50)
  })

  it('does not touch the messages', () => {
    const turns = chats.turns(chat)
    delta(0, 'x')
    outside.paint()
    expect(chats.turns(chat)).toBe(turns)
  })

  it('is shown whole when it ends, whatever the frame brings after', () => {
    delta(0, 'Hel')
    events(ended(4, 'Hello.'))
    expect(chats.turns(chat)[0]?.reply?.text).toBe('Hello.')
    outside.paint()
    expect(chats.turns(chat)[0]?.reply?.text).toBe('Hello.')
  })

  it('that misses a piece asks for a new connection', () => {
    delta(3, 'x')
    expect(outside.resyncs).toBe(1)
  })

  it('is stopped once, however often the button is pressed', async () => {
    chats.stop(chat)
    chats.stop(chat)
    chats.rename(chat, 'After that')
    expect(await sent(2)).toMatchObject([
      { type: 'stop_answer', answer: id(3) },
      { type: 'rename_chat' },
    ])
  })

  it('is stopped from afar once there is a way', async () => {
    outside.standing(disconnected)
    chats.stop(chat)
    outside.connect()
    expect(await outside.said('stop_answer')).toMatchObject({ answer: id(3) })
  })
})

it('goes on with an answer that was cut, and shows it as it was until then', async () => {
  events(created(1), written(2), begun(3), ended(4, 'Once upon', { reason: 'cut' }))
  chats.continueAnswer(chat, id(3))
  expect(await outside.said('continue_answer')).toMatchObject({ chat, answer: id(3) })
  expect(chats.activity(chat)).toBe('answering')
  expect(chats.liveText(id(3))).toBe('Once upon')
})

describe('while the PC is away', () => {
  beforeEach(() => {
    events(created(1))
    outside.standing(disconnected)
  })

  it('takes back what waits for it', async () => {
    chats.send(chat, 'Are you there?')
    expect(chats.stop(chat)).toBe('Are you there?')
    expect(chats.turns(chat)).toEqual([])
    outside.sent = []
    outside.connect()
    chats.rename(chat, 'What goes out next')
    expect(await sent(1)).toMatchObject([{ type: 'rename_chat' }])
  })

  it('does not take back what the PC may have', async () => {
    outside.connect()
    chats.send(chat, 'Are you there?')
    await outside.said('send_message')
    outside.standing(disconnected)
    expect(chats.stop(chat)).toBeNull()
    expect(chats.turns(chat)).toMatchObject([{ text: 'Are you there?', state: 'waiting' }])
  })

  it('changes what waits in its place, so that it is said once', async () => {
    chats.send(chat, 'Are you their?')
    chats.edit(chat, chats.turns(chat)[0]!.id, 'Are you there?')
    chats.rename(chat, 'One')
    chats.rename(chat, 'Two')
    chats.changeSetting('language', 'en')
    chats.changeSetting('language', 'ru')
    expect([chats.list[0]?.title, chats.settings.language]).toEqual(['Two', 'ru'])
    outside.connect()
    expect(await sent(3)).toMatchObject([
      { type: 'send_message', text: 'Are you there?' },
      { type: 'rename_chat', title: 'Two' },
      { type: 'change_setting', name: 'language', value: 'ru' },
    ])
    expect(outside.sent.filter((one) => 'id' in one)).toHaveLength(3)
  })

  it('begins a chat as it was renamed and moved meanwhile, or not at all', async () => {
    const one = chats.send(null, 'First')
    const other = chats.send(null, 'Second')
    chats.rename(one, 'Renamed')
    chats.move(one, ' Work ')
    chats.remove(other)
    expect(chats.folders).toEqual(['Work'])
    expect(chats.list.map(({ title, folder }) => [title, folder])).toEqual([
      ['Renamed', 'Work'],
      ['A chat', null],
    ])
    outside.connect()
    expect(await sent(2)).toMatchObject([
      { type: 'create_chat', chat: one, title: 'Renamed', folder: 'Work' },
      { type: 'send_message', chat: one },
    ])
    expect(outside.sent.some((command) => 'chat' in command && command.chat === other)).toBe(false)
  })

  it('sends what was done in order, also from a page that was loaded anew', async () => {
    const texts = ['One', 'Two', 'Three']
    for (const text of texts) chats.send(chat, text)
    await outside.inOutbox(3)
    outside.reload()
    chats = await outside.begin()
    chats.open(chat)
    expect(chats.list.map(({ title, unsent }) => [title, unsent])).toEqual([['A chat', true]])
    expect(chats.turns(chat).map(({ text }) => text)).toEqual(texts)
    outside.connect()
    expect((await sent(3)).map((one) => 'text' in one && one.text)).toEqual(texts)
  })
})

describe('branches', () => {
  const [other, more] = [id(40), id(41)]

  beforeEach(() => {
    events(created(1), written(2), begun(3), ended(4, 'Hi.'))
  })

  it('shows what was edited in place of what was said, and both can be had', async () => {
    chats.edit(chat, message, 'Hello!')
    const command = await outside.said('edit_message')
    expect(chats.turns(chat)).toMatchObject([{ text: 'Hello!', state: 'waiting' }])
    expect(chats.siblings(chat, message)).toMatchObject({ index: 0, count: 2 })
    chats.show(chat, message)
    expect(chats.turns(chat)).toMatchObject([{ text: 'Hello?' }])
    expect(chats.siblings(chat, command.message)).toMatchObject({ index: 1, ids: [message, command.message] })
  })

  it('says what comes next in the branch that is shown', async () => {
    events(written(5, 'Hello!', other, chat, chat))
    expect(chats.turns(chat)).toMatchObject([{ id: other }])
    chats.show(chat, message)
    chats.send(chat, 'And then?')
    expect(await outside.said('send_message')).toMatchObject({ parent: message })
    expect(chats.turns(chat).map(({ text }) => text)).toEqual(['Hello?', 'And then?'])
  })

  it('stays in the branch that was chosen, whatever comes in another', () => {
    events(written(5, 'Hello!', other, chat, chat))
    chats.show(chat, message)
    events(written(6, 'More', more, chat, other))
    expect(chats.turns(chat)).toMatchObject([{ id: message }])
    chats.show(chat, other)
    expect(chats.turns(chat).map(({ text }) => text)).toEqual(['Hello!', 'More'])
  })

  describe('of which nothing of a message came', () => {
    beforeEach(() => {
      events(written(5, 'Hello!', other, chat, chat))
      chats.show(chat, message)
    })

    const shown = () => chats.turns(chat).map(({ text }) => text)

    it('goes on without it, where it was taken back', async () => {
      outside.standing(disconnected)
      for (const text of ['One', 'Two', 'Three']) chats.send(chat, text)
      const [, one, two] = chats.turns(chat)
      expect([chats.takeBack(one!.id, 'waiting'), chats.takeBack(two!.id, 'waiting')]).toEqual(['One', 'Two'])
      expect(shown()).toEqual(['Hello?', 'Three'])
      outside.connect()
      expect(await outside.said('send_message')).toMatchObject({ text: 'Three', parent: message })
    })

    it('goes on with what it was to replace, where another wording was taken back', async () => {
      outside.standing(disconnected)
      chats.edit(chat, message, 'Good day?')
      chats.send(chat, 'And then?')
      const [edited] = chats.turns(chat)
      chats.takeBack(edited!.id, 'waiting')
      chats.show(chat, message)
      expect(shown()).toEqual(['Hello?', 'And then?'])
      outside.connect()
      expect(await outside.said('send_message')).toMatchObject({ parent: message })
    })

    it('takes it after what is there, where what it followed was refused', async () => {
      for (const text of ['One', 'Two']) chats.send(chat, text)
      const [one, two] = [await outside.said('send_message', 'One'), await outside.said('send_message', 'Two')]
      expect(two).toMatchObject({ parent: one.message })
      outside.say({ type: 'error', code: 'engine_busy', message: '', re: one.id })
      outside.say({ type: 'error', code: 'message_unknown', message: '', re: two.id })
      outside.sent = []
      chats.sendAgain(two.message)
      expect(await sent(1)).toMatchObject([{ text: 'Two', parent: message }])
      expect(shown()).toEqual(['Hello?', 'Two', 'One'])
    })
  })

  it('shows what was refused in whichever branch', async () => {
    events(written(5, 'Hello!', other, chat, chat))
    await refused('Well?')
    chats.show(chat, message)
    expect(chats.turns(chat).map(({ text }) => text)).toEqual(['Hello?', 'Well?'])
  })
})

it('stops an answer that has not begun as soon as it begins', async () => {
  events(created(1), written(2))
  chats.stop(chat)
  expect(await sent(0)).toEqual([])
  events(begun(3))
  expect(await outside.said('stop_answer')).toMatchObject({ answer: id(3) })
})

it('forgets that a stop was wanted where the answer had ended before it came', async () => {
  events(created(1), written(2))
  chats.stop(chat)
  events(begun(3), ended(4, 'Hi.'))
  chats.regenerate(chat, message)
  events(begun(5, id(31)))
  chats.rename(chat, 'After that')
  await outside.said('rename_chat')
  expect(outside.sent.map(({ type }) => type)).not.toContain('stop_answer')
})

it('forgets that a stop was wanted where the message was refused', async () => {
  events(created(1))
  const text = 'Hello?'
  chats.send(chat, text)
  const command = await outside.said('send_message', text)
  chats.stop(chat)
  outside.say({ type: 'error', code: 'engine_busy', message: '', re: command.id })
  chats.sendAgain(command.message)
  events(written(2, text, command.message), begun(3, id(3), command.message))
  chats.rename(chat, 'After that')
  await outside.said('rename_chat')
  expect(outside.sent.map(({ type }) => type)).not.toContain('stop_answer')
})

it('says hello with what it has', () => {
  events(created(1), written(2), begun(3))
  delta(0, 'x')
  const hello = { type: 'hello', version: 1, log: id(900), after: 3, before: 1 }
  expect(outside.options.hello()).toEqual({ ...hello, drafts: [{ answer: id(3), index: 1 }] })
})

it('is complete when all that the PC had is here', () => {
  outside.say(welcomeOf(4, { log: id(901), after: 4, before: 5 }))
  expect([chats.isComplete, chats.progress]).toEqual([false, 0])
  outside.say({ type: 'chat_list', chats: [{ chat, title: 'A', folder: null, changed_ms: 1 }] })
  expect(chats.list).toHaveLength(1)
  expect(chats.isComplete).toBe(false)
  outside.say(welcomeOf(4, { log: id(902) }))
  events(created(1), written(2))
  expect([chats.isComplete, chats.progress]).toEqual([false, 0.5])
  events(begun(3), ended(4, 'Hi.'))
  expect([chats.isComplete, chats.progress]).toEqual([true, 1])
})

it('says so when a rename is refused, and shows the old title again', async () => {
  events(created(1))
  chats.rename(chat, '  New   title ')
  expect(chats.list[0]?.title).toBe('New title')
  const { id: re } = await outside.said('rename_chat')
  outside.say({ type: 'error', code: 'storage_failed', message: '', re })
  expect(chats.list[0]?.title).toBe('A chat')
  expect(useNotices().code).toBe('storage_failed')
})

it('says of an answer that cannot go on that it is full, not that something is to be shortened', async () => {
  events(created(1), written(2), begun(3), ended(4, 'Hi.', { reason: 'length' }))
  chats.continueAnswer(chat, id(3))
  const { id: re } = await outside.said('continue_answer')
  const excess = { tokens: 82, limit: 75 }
  outside.say({ type: 'error', code: 'context_full', message: '', re, excess })
  expect(useNotices().code).toBe('answer_full')
  expect(chats.turns(chat)[0]?.reply).toMatchObject({ state: 'length', text: 'Hi.' })
})

it('shows nothing of a person who has left, and keeps it for when they are back', async () => {
  events(created(1), written(2))
  outside.standing(disconnected)
  chats.regenerate(chat, message)
  await outside.inOutbox(1)
  chats.reset()
  expect(chats.list).toEqual([])
  outside.sent = []
  outside.connect()
  expect(outside.sent).toEqual([])
  outside.standing(disconnected)
  await outside.begin()
  expect(chats.list).toHaveLength(1)
  expect(chats.unsent).toBe(1)
})

it('leaves nothing behind when it is told to forget', async () => {
  events(created(1), written(2))
  outside.standing(disconnected)
  chats.send(chat, 'Unsent')
  await chats.forget()
  await outside.begin()
  expect([chats.list, chats.unsent, chats.kept]).toEqual([[], 0, true])
})

it('does without a browser that keeps anything, and says so', async () => {
  outside.database = () => {
    throw new DOMException('', 'SecurityError')
  }
  outside.reload()
  chats = await outside.begin()
  chats.open(chat)
  outside.connect()
  expect(chats.kept).toBe(false)
  events(created(1), written(2))
  expect(chats.turns(chat)).toHaveLength(1)
  chats.send(chat, 'Well?')
  expect(await outside.said('send_message')).toMatchObject({ text: 'Well?' })
})

describe('before the part of the app that keeps chats is here', () => {
  let came: () => void

  beforeEach(() => {
    outside.reload()
    outside.syncComes = () => new Promise((resolve) => (came = resolve))
    chats = useChats()
  })

  it('shows what is said, and says it afterwards', async () => {
    const begun = chats.begin({ id: 'another', pairedAt: 1 })
    const made = chats.send(null, 'Hello there')
    expect(chats.send(made, 'And more')).toBe(made)
    expect(chats.turns(made)).toMatchObject([
      { text: 'Hello there', state: 'waiting' },
      { text: 'And more', state: 'waiting' },
    ])
    expect([chats.has(made), chats.kept, chats.isStillHere(chats.turns(made)[0]!.id)]).toEqual([true, false, false])
    came()
    await begun
    outside.connect()
    expect((await sent(3)).map(({ type }) => type)).toEqual(['create_chat', 'send_message', 'send_message'])
  })

  it('misses what the PC says, and has it said once more', async () => {
    const begun = chats.begin({ id: 'another', pairedAt: 1 })
    outside.connect(1)
    came()
    await begun
    expect(outside.resyncs).toBe(1)
    outside.connect(1)
    events(created(1))
    expect(chats.list).toHaveLength(1)
  })

  it('tries again where it does not come', async () => {
    let tries = 0
    outside.syncComes = () => (++tries < 3 ? Promise.reject(new TypeError('offline')) : Promise.resolve())
    const begun = chats.begin({ id: 'another', pairedAt: 1 })
    await until(() => (outside.clock.pass(15_000), tries === 3))
    await begun
    expect(chats.kept).toBe(true)
  })
})
