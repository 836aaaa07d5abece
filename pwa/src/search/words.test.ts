import { expect, it } from 'vitest'
import { placedWords, words } from './words'

it.each([
  ['Ёлка ПОЁТ', ['елка', 'поет']],
  ['мой йод, Йога', ['мой', 'йод', 'йога']],
  ['и\u0306од', ['йод']],
  ['за\u0301мок', ['замок']],
  ['Crème brûlée', ['creme', 'brulee']],
  ['ﬁne ２０２６', ['fine', '2026']],
  ['if (user_name !== getName()) x2++', ['if', 'user', 'name', 'getname', 'x2']],
  ['№5, 10 % — «да»…', ['5', '10', 'да']],
  ['ко\u00adрова', ['корова']],
  ['½ л', ['1', '2', 'л']],
  ['https://example.org/a-b?c=1', ['https', 'example', 'org', 'a', 'b', 'c', '1']],
  ['今天天气很好, ok', ['今', '天', '天', '气', '很', '好', 'ok']],
  ['パン2個', ['ハ', 'ン', '2', '個']],
  [' \n\t\u0301 ', []],
])('takes %j for the words %j', (text, expected) => {
  expect(words(text)).toEqual(expected)
  expect([...placedWords(text)].map(({ word }) => word)).toEqual(expected)
})

it('says where the words are in the original', () => {
  const text = '«За\u0301мок» — ﬁne, ёж, x天气'
  const places = [...placedWords(text)].map(({ start, end }) => text.slice(start, end))
  expect(places).toEqual(['За\u0301мок', 'ﬁne', 'ёж', 'x', '天', '气'])
})

it('takes of what is longer than a word no more than its beginning', () => {
  expect(words('x'.repeat(5000))).toEqual(['x'.repeat(64)])
})
