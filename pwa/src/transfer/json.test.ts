import { expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import { bytesOf, randomChat, readBytes } from '../../tests/support/transfer'
import { toJson } from './json'
import { isId } from './values'

it('reads back whole chats, all branches and all answers', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seeded(seed)
    const chats = [randomChat(random), randomChat(random)]
    const read = await readBytes(bytesOf(toJson(chats, 0)))
    expect(read, `seed ${String(seed)}`).toEqual(chats)
  }
})

it('says what it is', () => {
  expect(JSON.parse(toJson([], Date.UTC(2026, 10, 22)))).toEqual({
    format: 'hearth-chats',
    version: 1,
    exported_at: '2026-11-22T00:00:00.000Z',
    chats: [],
  })
})

it.each([
  ['of a newer version', { version: 2, chats: [] }, 'not_recognised'],
  ['without a list of chats', { version: 1, chats: {} }, 'damaged'],
  ['with a chat that is none', { version: 1, chats: [7] }, 'damaged'],
  ['with a message without text', { version: 1, chats: [{ turns: [{ id: 'a' }] }] }, 'damaged'],
  ['without chats', { version: 1, chats: [] }, 'empty'],
])('refuses a file %s', async (_, rest, code) => {
  const file = bytesOf({ format: 'hearth-chats', ...rest })
  await expect(readBytes(file)).rejects.toMatchObject({ name: 'ImportError', code })
})

it('takes a file that a person changed: ids of their own, the order turned around', async () => {
  const turns = [
    { id: 'b', parent: 'a', text: 'Second' },
    { id: 'a', parent: null, text: 'First', answers: [{ text: 'An answer' }] },
    { id: 'ring', parent: 'ring', text: 'Alone' },
    { id: 'lost', parent: 'nobody', text: 'Lost' },
  ]
  const file = bytesOf({ format: 'hearth-chats', version: 1, chats: [{ id: 'x', turns }] })
  const [chat] = await readBytes(file)
  const first = chat?.turns[0]
  expect(chat?.title).toBe('First')
  expect(chat?.turns.map((turn) => [turn.text, turn.parent === null])).toEqual([
    ['First', true],
    ['Second', false],
    ['Lost', true],
    ['Alone', true],
  ])
  expect(chat?.turns[1]?.parent).toBe(first?.id)
  expect(chat?.turns.every((turn) => isId(turn.id))).toBe(true)
  expect(await readBytes(file)).toEqual([chat])
})
