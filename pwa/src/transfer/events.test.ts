import { expect, it } from 'vitest'
import type { Event } from '../protocol/generated'
import { answer, begun, chat, created, ended, id, message, written } from '../../tests/support/messages'
import { chatFromEvents } from './events'

const follows = (event: Event, parent: string): Event => ({ ...event, parent }) as Event

it('folds a chat in the order of the numbers, each event once', () => {
  const events = [
    { type: 'chat_moved', seq: 8, at_ms: 80, chat, folder: 'Home' },
    { type: 'chat_renamed', seq: 6, at_ms: 60, chat, title: 'Bread' },
    ended(4, 'So.'),
    begun(3),
    written(2, 'How?'),
    created(1),
    written(2, 'How?'),
    ended(4, 'So.'),
    { type: 'setting_changed', seq: 9, at_ms: 90, name: 'language', value: 'ru' },
  ] satisfies Event[]
  expect(chatFromEvents(events)).toEqual({
    id: chat,
    title: 'Bread',
    folder: 'Home',
    atMs: 10,
    turns: [
      {
        id: message,
        parent: null,
        atMs: 20,
        text: 'How?',
        answers: [{ id: answer, atMs: 30, model: 'test', text: 'So.' }],
      },
    ],
  })
})

it('makes a tree of parents; one without follows the message before it', () => {
  const [one, two, edited, old] = [id(10), id(11), id(12), id(13)]
  const events = [
    created(1),
    follows(written(2, 'one', one), chat),
    follows(written(3, 'two', two), one),
    follows(written(4, 'edited', edited), chat),
    written(5, 'old', old),
  ]
  expect(chatFromEvents(events)?.turns.map((turn) => [turn.id, turn.parent])).toEqual([
    [one, null],
    [two, one],
    [edited, null],
    [old, edited],
  ])
})

it('leaves out answers without an end or a word, and one that another went on with', () => {
  const [cut, whole, failed, running] = [id(20), id(21), id(22), id(23)]
  const events = [
    created(1),
    written(2),
    begun(3, cut),
    ended(4, 'Once', { answer: cut, reason: 'cut' }),
    { ...begun(5, whole), continues: cut } as Event,
    ended(6, 'Once more', { answer: whole }),
    begun(7, failed),
    ended(8, '', { answer: failed, reason: 'failed' }),
    begun(9, running),
  ]
  expect(chatFromEvents(events)?.turns[0]?.answers.map(({ text }) => text)).toEqual(['Once more'])
})

it('is nothing where the chat is deleted or was never created', () => {
  expect(chatFromEvents([created(1), written(2), { type: 'chat_deleted', seq: 3, at_ms: 1, chat }])).toBeNull()
  expect(chatFromEvents([written(2)])).toBeNull()
})
