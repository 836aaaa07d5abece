import { expect, it } from 'vitest'
import type { Command, ImportTurns } from '../protocol/generated'
import { seeded } from '../../tests/support/messages'
import { ids, overTheWire, randomChat } from '../../tests/support/transfer'
import { importCommands } from './commands'
import type { PortableAnswer, PortableChat, PortableTurn } from './model'

const bytes = (command: Command) => Buffer.byteLength(JSON.stringify(command))
const turnsIn = (commands: readonly Command[]) =>
  commands.filter((command): command is ImportTurns => command.type === 'import_turns').flatMap(({ turns }) => turns)

const makeId = ids(seeded(1))

function chatOf(texts: readonly string[], answers: readonly string[] = []): PortableChat {
  const turns: PortableTurn[] = []
  for (const text of texts) {
    const given = answers.map((said): PortableAnswer => ({ id: makeId(), atMs: 2, model: 'm', text: said }))
    turns.push({ id: makeId(), parent: turns.at(-1)?.id ?? null, atMs: 1, text, answers: given })
  }
  return { id: makeId(), title: 'Bread', folder: 'Home', atMs: 1, turns }
}

it('makes commands that the wire takes, with all that is in the chat, parents first', () => {
  for (let seed = 0; seed < 200; seed++) {
    const chat = randomChat(seeded(seed))
    const commands = overTheWire(importCommands(chat, ids(seeded(seed + 1000))))
    expect(commands[0]).toMatchObject({ type: 'create_chat', chat: chat.id, title: chat.title, at_ms: chat.atMs })
    const known = new Set([chat.id])
    for (const turn of turnsIn(commands)) {
      expect(known).toContain(turn.parent)
      known.add(turn.message)
    }
    for (const { id, text, answers } of chat.turns) {
      const sent = turnsIn(commands).filter((turn) => turn.message === id)
      expect(sent.map((turn) => turn.text)).toEqual(Array(Math.max(1, answers.length)).fill(text))
      expect(sent.flatMap(({ answer }) => answer?.answer ?? [])).toEqual(answers.map((answer) => answer.id))
    }
  }
})

it('fills a command with up to 64 turns and 200 KB', () => {
  const [, ...many] = importCommands(chatOf(Array<string>(150).fill('x')), makeId)
  expect(many.map((command) => turnsIn([command]).length)).toEqual([64, 64, 22])
  const [, ...long] = importCommands(chatOf(Array<string>(10).fill('ы'.repeat(30_000))), makeId)
  expect(long.map((command) => turnsIn([command]).length)).toEqual([3, 3, 3, 1])
  expect(long.every((command) => bytes(command) <= 200_000)).toBe(true)
})

it.each([
  ['Latin', 'x', 131_072],
  ['Russian', 'ы', 90_000],
  ['emoji', '🍞', 45_000],
  ['control characters', '\u0001', 30_000],
])('cuts a text in %s that is too long for the wire, and says so', (_, character, atLeast) => {
  const long = character.repeat(200_000)
  const chat = chatOf([long], [long])
  const commands = importCommands(chat, makeId)
  overTheWire(commands)
  expect(commands.every((command) => bytes(command) <= 200_000)).toBe(true)
  const [said, answered] = turnsIn(commands)
  for (const text of [said?.text ?? '', answered?.answer?.text ?? '']) {
    const [kept = '', left = ''] = text.split('\n\n[… ')
    const chars = [...kept].length
    expect(chars).toBeGreaterThan(atLeast - 100)
    expect(left).toBe(`${String(200_000 - chars)} characters are left out here]`)
  }
})

it('keeps a text that just fits', () => {
  const text = 'x'.repeat(131_072)
  expect(turnsIn(importCommands(chatOf([text]), makeId))[0]?.text).toBe(text)
})

it('does not begin a chat that is there', () => {
  expect(importCommands(chatOf(['x']), makeId, { has: true }).map(({ type }) => type)).toEqual(['import_turns'])
})

it('makes a copy under ids that are all new, of the same tree', () => {
  const chat = chatOf(['one', 'two'], ['so'])
  const known = new Set([chat.id, ...chat.turns.flatMap((turn) => [turn.id, ...turn.answers.map(({ id }) => id)])])
  const commands = overTheWire(importCommands(chat, makeId, { fresh: true }))
  const [one, two] = turnsIn(commands)
  expect([one?.message, one?.parent, one?.answer?.answer, two?.message].some((id) => known.has(id ?? ''))).toBe(false)
  expect(one?.parent).toBe((commands[0] as ImportTurns).chat)
  expect(two?.parent).toBe(one?.message)
})
