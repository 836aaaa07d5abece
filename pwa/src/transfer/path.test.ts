import { expect, it } from 'vitest'
import type { PortableTurn } from './model'
import { shownPath } from './path'

const turn = (id: string, parent: string | null): PortableTurn => ({ id, parent, atMs: 0, text: '', answers: [] })
const path = (turns: readonly PortableTurn[]) =>
  shownPath({ id: 'chat', title: 'T', folder: null, atMs: 0, turns }).map(({ id }) => id)

it('leads from the first turn to the newest, past other branches', () => {
  expect(path([])).toEqual([])
  expect(path([turn('a', null), turn('b', 'a'), turn('a2', null), turn('c', 'b')])).toEqual(['a', 'b', 'c'])
})

it('ends where turns follow each other in a ring', () => {
  expect(path([turn('a', 'b'), turn('b', 'a')])).toEqual(['a', 'b'])
})
