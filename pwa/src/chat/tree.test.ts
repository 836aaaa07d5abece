import { expect, it } from 'vitest'
import { id } from '../../tests/support/messages'
import type { Turn } from './model'
import { pathTo, siblingsOf } from './tree'

const [first, again, second, third, later] = [id(1), id(2), id(3), id(4), id(5)]

function turn(id: string, parent: string | null): Turn {
  return { id, parent, text: '', atMs: 0, state: 'sent', code: null, excess: null, reply: null }
}

const turns = [turn(first, null), turn(second, first), turn(again, null), turn(third, first), turn(later, again)]
const names = (path: readonly Turn[]) => path.map(({ id }) => id)

it('those that follow the same message are beside each other, in the order of writing', () => {
  expect(siblingsOf(turns, again)).toEqual({ index: 1, count: 2, ids: [first, again] })
  expect(siblingsOf(turns, second)).toEqual({ index: 0, count: 2, ids: [second, third] })
  expect(siblingsOf(turns, later)).toEqual({ index: 0, count: 1, ids: [later] })
  expect(siblingsOf(turns, id(99))).toEqual({ index: 0, count: 0, ids: [] })
})

it('other turns have others', () => {
  const more = [...turns, turn(id(6), again)]
  expect(siblingsOf(turns, later).count).toBe(1)
  expect(siblingsOf(more, later).ids).toEqual([later, id(6)])
})

it('the way goes to the newest, or to the newest that follows what was chosen', () => {
  expect(names(pathTo(turns, null))).toEqual([again, later])
  expect(names(pathTo(turns, first))).toEqual([first, third])
  expect(names(pathTo(turns, second))).toEqual([first, second])
  expect(names(pathTo(turns, id(99)))).toEqual([again, later])
})
