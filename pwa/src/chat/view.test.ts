import { describe, expect, it } from 'vitest'
import { begun, chat, created, ended, id, message, written } from '../../tests/support/messages'
import type { Command, Event } from '../protocol/generated'
import { add, say } from './commands'
import { applyEvents } from './events'
import { emptyChat } from './fold'
import { type ChatsState, nothing as closed } from './model'
import { activityOf, chatList, hasChat, isMade, siblings, turnsOf } from './view'

let made = 100
const makeId = () => id(made++)
const nothing: ChatsState = { ...closed, chats: new Map([[chat, emptyChat(chat)]]) }
const after = (state: ChatsState, events: readonly Event[], upto: number) =>
  applyEvents(state, events, upto).state
const empty = after(nothing, [created(1)], 1)
const answered = after(nothing, [created(1), written(2), begun(3), ended(4, 'Hi.')], 4)

describe('before the PC has confirmed it', () => {
  it('a new chat is in the list with its first words as title', () => {
    const state = add(nothing, say(makeId, chat, 'Hello there', true), 1_000)
    expect(chatList(state)).toEqual([
      { id: chat, title: 'Hello there', folder: null, changedMs: 1_000, unsent: true },
    ])
    expect(hasChat(state, chat)).toBe(true)
    expect(turnsOf(state, chat)).toMatchObject([{ text: 'Hello there', state: 'waiting' }])
  })

  it('a chat is made by what begins it, not by what is said in it', () => {
    expect(isMade(add(nothing, say(makeId, chat, 'Hello there', true), 0), chat)).toBe(true)
    const gone = add(nothing, say(makeId, chat, 'Hello there', false), 0)
    expect(hasChat(gone, chat)).toBe(true)
    expect(isMade(gone, chat)).toBe(false)
    expect(isMade(answered, chat)).toBe(true)
    const remove: Command = { type: 'delete_chat', id: makeId(), chat }
    expect(isMade(add(answered, [remove], 0), chat)).toBe(false)
  })

  it('a message with half a character is one that UTF-8 can carry', () => {
    const said = say(makeId, chat, 'Hello \ud83d', true)
    expect(said.at(-1)).toMatchObject({ text: 'Hello \ufffd' })
  })

  it('a renamed chat has its new title, and a deleted one is gone', () => {
    const rename: Command = { type: 'rename_chat', id: makeId(), chat, title: 'New' }
    const remove: Command = { type: 'delete_chat', id: makeId(), chat }
    const renamed = add(answered, [rename], 0)
    expect(chatList(renamed)[0]?.title).toBe('New')
    const removed = add(renamed, [remove], 0)
    expect(chatList(removed)).toEqual([])
    expect(hasChat(removed, chat)).toBe(false)
  })

  it('a regenerated answer gives way to the wait for the next', () => {
    const again: Command = { type: 'regenerate', id: makeId(), chat, message }
    const turns = turnsOf(add(answered, [again], 0), chat)
    expect(turns[0]?.reply).toBeNull()
    expect(activityOf(turns)).toBe('awaiting')
  })
})

it('a message without an answer is waited for once an answer is asked for', () => {
  const imported = after(empty, [written(2)], 2)
  expect(activityOf(turnsOf(imported, chat))).toBe('idle')
  const ask: Command = { type: 'regenerate', id: makeId(), chat, message }
  const asked = add(imported, [ask], 0)
  expect(turnsOf(asked, chat)[0]?.state).toBe('sent')
  expect(activityOf(turnsOf(asked, chat))).toBe('awaiting')
})

it('shows a message once, also while its event and its command are both here', () => {
  const [command] = say(() => message, chat, 'Hello?', false)
  const state = after(add(empty, [command!], 0), [written(2), begun(3)], 3)
  expect(turnsOf(state, chat)).toHaveLength(1)
  expect(turnsOf(state, chat)[0]?.state).toBe('sent')
})

it('hands out the same turns while nothing is pending', () => {
  expect(turnsOf(answered, chat)).toBe(answered.chats.get(chat)?.turns)
})

it('puts the chat that was last spoken in first', () => {
  const other = id(50)
  let state = after(answered, [created(5, 'Other', other)], 5)
  expect(chatList(state).map((one) => one.id)).toEqual([other, chat])
  state = add(state, say(makeId, chat, 'More', false), 9_000)
  expect(chatList(state).map((one) => one.id)).toEqual([chat, other])
})

it('is busy from the question to the end of the answer', () => {
  const asked = add(empty, say(() => message, chat, 'Hello?', false), 0)
  const stages = [[], [written(2), begun(3)], [written(2), begun(3), ended(4, '.')]]
  const activities = stages.map((events) =>
    activityOf(turnsOf(after(asked, events, events.length + 1), chat)),
  )
  expect([activityOf(turnsOf(empty, chat)), ...activities]).toEqual([
    'idle',
    'awaiting',
    'answering',
    'idle',
  ])
})

it('a message that is pending has its siblings, and none once it was taken back', () => {
  const edit: Command = {
    type: 'edit_message',
    id: makeId(),
    chat,
    replaces: message,
    message: id(70),
    text: 'Again?',
  }
  expect(siblings(add(answered, [edit], 0), chat, message).ids).toEqual([message, id(70)])
  expect(siblings(answered, chat, message).ids).toEqual([message])
})
