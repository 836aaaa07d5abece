import { beforeEach, expect, it } from 'vitest'
import { id } from '../../tests/support/messages'
import type { Command } from '../protocol/generated'
import { importCommands } from './commands'
import type { PortableChat } from './model'
import { Tally } from './tally'

function chat(number: number, messages: number): PortableChat {
  const turns = Array.from({ length: messages }, (_, place) => ({
    id: id(number + 1 + place),
    parent: null,
    atMs: 1,
    text: 'Hello?',
    answers: [],
  }))
  return { id: id(number), title: 'A chat', folder: null, atMs: 1, turns }
}

let made = 0
let tally: Tally

beforeEach(() => {
  tally = new Tally()
})

function ask(one: PortableChat, known: readonly string[] = []): Command[] {
  const commands = importCommands(one, () => id(9000 + made++))
  tally.expect(one, commands, new Set(known))
  return commands
}

it('counts what is new', () => {
  ask(chat(100, 3), [id(101)])
  ask(chat(200, 0))
  expect([tally.fresh, tally.refused, tally.gone, tally.code]).toEqual([2, 0, [], null])
})

it('knows a chat that was deleted by the refusal of what was said in it', () => {
  const [deleted, other] = [chat(100, 2), chat(200, 1)]
  const [create, turns] = ask(deleted)
  ask(other)
  expect(tally.refuse(create!, 'chat_exists')).toBe(true)
  expect(tally.gone).toEqual([])
  expect(tally.refuse(turns!, 'chat_unknown')).toBe(true)
  expect([tally.fresh, tally.refused, tally.gone, tally.code]).toEqual([1, 0, [deleted], null])
})

it('knows an empty one by the refusal to make it', () => {
  const empty = chat(100, 0)
  const [create] = ask(empty)
  tally.refuse(create!, 'chat_exists')
  expect(tally.gone).toEqual([empty])
})

it('takes a chat that could not be made for no deleted one', () => {
  const [create, turns] = ask(chat(100, 2))
  tally.refuse(create!, 'storage_failed')
  tally.refuse(turns!, 'chat_unknown')
  expect([tally.fresh, tally.refused, tally.gone, tally.code]).toEqual([0, 2, [], 'storage_failed'])
})

it('leaves to others what was not asked for here', () => {
  const [create] = importCommands(chat(100, 0), () => id(1))
  expect(tally.refuse(create!, 'chat_exists')).toBe(false)
})
