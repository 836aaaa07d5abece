import { expect, it } from 'vitest'
import { distinct, fileName } from './fileName'

it.each([
  ['Хлеб и соль', 'Хлеб и соль'],
  ['a/b\\c: "d"?', 'a b c d'],
  ['../../etc/passwd', 'etc passwd'],
  ['  ends with dots...', 'ends with dots'],
  ['\u202egpj.exe', 'gpj.exe'],
  ['con', 'Chat'],
  ['...', 'Chat'],
  ['', 'Chat'],
  ['🍞'.repeat(100), '🍞'.repeat(80)],
])('makes of %j the name %j', (title, name) => {
  expect(fileName(title, 'Chat')).toBe(name)
})

it('gives each file a name of its own, however many are called the same', () => {
  expect(distinct(['Bread', 'bread', 'Bread (2)', 'Bread', 'Salt'])).toEqual([
    'Bread',
    'bread (2)',
    'Bread (2) (2)',
    'Bread (3)',
    'Salt',
  ])
  expect(new Set(distinct(Array<string>(10_000).fill('x'))).size).toBe(10_000)
})
