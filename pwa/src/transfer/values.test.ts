import { expect, it } from 'vitest'
import { moment, title } from './values'

it.each([
  ['Bread', 'Bread'],
  ['  as it  is ', '  as it  is '],
  ['', null],
  [7, null],
  ['🍞'.repeat(200), '🍞'.repeat(200)],
  ['🍞'.repeat(201), '🍞'.repeat(200)],
  ['x'.repeat(201), 'x'.repeat(200)],
  [' '.repeat(201), null],
  ['half \ud83c', 'half \ufffd'],
])('makes of %j a title that the wire takes', (given, expected) => {
  expect(title(given)).toBe(expected)
})

it('takes moments that an id can name', () => {
  expect(moment(1.2345, 1000)).toBe(1234)
  expect(moment(1e300, 1000)).toBe(2 ** 48 - 1)
  for (const none of [-1, NaN, Infinity, '1', null]) expect(moment(none, 1)).toBeNull()
})
