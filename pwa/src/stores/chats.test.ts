import { beforeEach, describe, expect, it } from 'vitest'
import { begun, chat, created, ended, id, message, written } from '../../tests/support/messages'
import { TestServices } from '../../tests/support/services'
import { disconnected } from '../net/connection'
import type { Event } from '../protocol/generated'
import { useChats } from './chats'
import { useNotices } from './notices'

let outside: TestServices
let chats: ReturnType<typeof useChats>

beforeEach(() => {
  outside = new TestServices()
  chats = useChats()
})

function events(...list: Event[]): void {
  outside.say({ type: 'events', events: list, upto: list.at(-1)!.seq })
}

function delta(index: number, text: string): void {
  outside.say({ type: 'delta', chat, answer: id(3), index, text })
}

describe('what is said', () => {
  it('goes out with a new chat, and is shown at once', () => {
    const made = chats.send(null, 'Hello there')
    expect(outside.sent).toMatchObject([
      { type: 'create_chat', chat: made, title: 'Hello there' },
      { type: 'send_message', chat: made, text: 'Hello there' },
    ])
    expect(chats.turns(made)).toMatchObject([{ text: 'Hello there', state: 'waiting' }])
    expect(chats.activity(made)).toBe('awaiting')
  })

  it('goes out again after a reconnect, with the same ids', () => {
    chats.send(null, 'Hello')
    const first = outside.sent.splice(0)
    outside.connect()
    expect(outside.sent).toEqual(first)
  })

  it('is not sent again once the PC has it', () => {
    chats.send(null, 'Hello')
    for (const [index, command] of outside.sent.splice(0).entries()) {
      if ('id' in command) outside.say({ type: 'acknowledged', id: command.id, seq: index + 1 })
    }
    outside.connect()
    expect(outside.sent).toEqual([])
  })

  it('and refused can be sent again, under a new id', () => {
    events(created(1))
    chats.send(chat, 'Hello')
    const [refused] = outside.sent.splice(0)
    if (refused?.type !== 'send_message') throw new Error('no message was sent')
    outside.say({ type: 'error', code: 'engine_busy', message: '', re: refused.id })
    expect(chats.turns(chat)).toMatchObject([{ state: 'refused', code: 'engine_busy' }])
    chats.sendRefusedAgain(refused.message)
    expect(outside.sent).toMatchObject([{ type: 'send_message', message: refused.message }])
    expect(outside.sent[0]).not.toMatchObject({ id: refused.id })
    expect(chats.turns(chat)).toMatchObject([{ state: 'waiting' }])
  })

  it('and refused can be discarded', () => {
    events(created(1))
    chats.send(chat, 'Hello')
    const [refused] = outside.sent
    if (refused?.type !== 'send_message') throw new Error('no message was sent')
    outside.say({ type: 'error', code: 'engine_busy', message: '', re: refused.id })
    expect(chats.takeBack(refused.message, 'refused')).toBe(refused.text)
    expect(chats.turns(chat)).toEqual([])
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

  it('is stopped once, however often the button is pressed', () => {
    chats.stop(chat)
    chats.stop(chat)
    expect(outside.sent).toMatchObject([{ type: 'stop_answer', answer: id(3) }])
  })
})

it('takes back what waits for a PC that is away', () => {
  outside.connect()
  events(created(1))
  outside.standing(disconnected)
  chats.send(chat, 'Are you there?')
  expect(chats.stop(chat)).toBe('Are you there?')
  expect(chats.turns(chat)).toEqual([])
  outside.sent = []
  outside.connect()
  expect(outside.sent).toEqual([])
})

it('stops an answer that has not begun as soon as it begins', () => {
  events(created(1), written(2))
  chats.stop(chat)
  expect(outside.sent).toEqual([])
  events(begun(3))
  expect(outside.sent).toMatchObject([{ type: 'stop_answer', answer: id(3) }])
})

it('says hello with the newest that it has', () => {
  events(created(1), written(2))
  expect(outside.options.hello()).toEqual({ type: 'hello', version: 1, after: 2 })
})

it('is complete when all that the PC had is here', () => {
  expect(chats.isComplete).toBe(false)
  outside.connect(2)
  expect(chats.isComplete).toBe(false)
  events(created(1), written(2))
  expect(chats.isComplete).toBe(true)
})

it('says so when a rename is refused, and shows the old title again', () => {
  events(created(1))
  chats.rename(chat, '  New   title ')
  expect(chats.list[0]?.title).toBe('New title')
  const [command] = outside.sent
  outside.say({ type: 'error', code: 'storage_failed', message: '', re: 'id' in command! ? command.id : null })
  expect(chats.list[0]?.title).toBe('A chat')
  expect(useNotices().code).toBe('storage_failed')
})

it('keeps nothing of a person who has left', () => {
  events(created(1), written(2))
  chats.regenerate(chat, message)
  chats.reset()
  expect(chats.list).toEqual([])
  outside.sent = []
  outside.connect()
  expect(outside.sent).toEqual([])
})
