import { expect, it } from 'vitest'
import { isForm, stem } from './endings'

const forms = (typed: string, word: string) =>
  word.startsWith(stem(typed)) && isForm(word, stem(typed))

it.each([
  ['книга', ['книгу', 'книги', 'книгой', 'книгами', 'книг']],
  ['программами', ['программа', 'программ', 'программе']],
  ['новые', ['новый', 'нового', 'новых', 'новая']],
  ['делать', ['делал', 'делала', 'делает']],
  ['столами', ['стол', 'стола', 'столу']],
  ['walking', ['walk', 'walks', 'walked']],
  ['tables', ['table']],
])('finds with %s its other forms', (typed, words) => {
  expect(words.filter((word) => !forms(typed, word))).toEqual([])
})

it.each([
  ['программа', 'программист'],
  ['банки', 'банкир'],
  ['walking', 'walkie'],
])('does not take %s for a form of %s', (typed, other) => {
  expect(forms(typed, other)).toBe(false)
})

it('leaves short words as they are', () => {
  expect(['кота', 'the', 'ель', 'this'].map(stem)).toEqual(['кота', 'the', 'ель', 'this'])
})
