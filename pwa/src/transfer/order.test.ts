import { expect, it } from 'vitest'
import { parentsFirst } from './order'
import type { SourceTurn } from './source'

const turn = (id: string, parent: string | null): SourceTurn => ({ id, parent, atMs: null, text: '', answers: [] })

it('keeps an order in which parents come first', () => {
  const turns = [turn('a', null), turn('b', 'a'), turn('a2', null), turn('c', 'b'), turn('b2', 'a')]
  expect(parentsFirst(turns)).toEqual(turns)
})

it('takes the first of two with one id', () => {
  expect(parentsFirst([turn('a', null), turn('b', null), turn('a', 'b')])).toEqual([turn('a', null), turn('b', null)])
})

it('turns a chain of 100,000 around', () => {
  const chain = Array.from({ length: 100_000 }, (_, index) =>
    turn(String(index), index === 0 ? null : String(index - 1)),
  )
  expect(parentsFirst([...chain].reverse())).toEqual(chain)
})
