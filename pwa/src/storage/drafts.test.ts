import { beforeEach, expect, it } from 'vitest'
import { draftStorage } from './drafts'

const mine = { id: 'h', pairedAt: 1 }
const drafts = draftStorage(() => localStorage)

beforeEach(() => {
  localStorage.clear()
})

it('keeps what was typed by its place, for as long as there is any', () => {
  drafts.write(mine, 'a', 'Hello', '')
  drafts.write(mine, 'a/b', 'Other words', '')
  drafts.write(mine, 'new', 'x', '')
  drafts.write(mine, 'new', '', 'x')
  expect(drafts.open(mine)).toEqual(new Map([['a', 'Hello'], ['a/b', 'Other words']]))
  expect(localStorage).toHaveLength(2)
})

it('does not remove what another tab typed since', () => {
  drafts.write(mine, 'a', 'Theirs', '')
  drafts.write(mine, 'a', '', 'Mine')
  expect(drafts.open(mine).get('a')).toBe('Theirs')
})

it('leaves nothing of an earlier pairing with the same home, nor of one that is dropped', () => {
  drafts.write(mine, 'a', 'Earlier', '')
  drafts.write({ id: 'other', pairedAt: 1 }, 'a', 'Elsewhere', '')
  expect(drafts.open({ id: 'h', pairedAt: 2 }).size).toBe(0)
  expect(localStorage).toHaveLength(1)
  drafts.drop('other')
  expect(localStorage).toHaveLength(0)
})

it('keeps nothing where the browser does not', () => {
  const none = draftStorage(() => {
    throw new DOMException('', 'SecurityError')
  })
  none.write(mine, 'a', 'x', '')
  none.drop('h')
  expect(none.open(mine).size).toBe(0)
})
