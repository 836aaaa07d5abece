import { expect, it } from 'vitest'
import { below, oneOf, random } from '../../tests/support/searched'
import { type Snippet, snippet } from './snippet'
import { words } from './words'

const marked = ({ text, marks }: Snippet) => marks.map(([start, end]) => text.slice(start, end))
const filler = (count: number) => 'слово '.repeat(count)

it('marks the words in the original, whatever way they are written', () => {
  const found = snippet('Ёлку и за\u0301мок: crème.', ['елк', 'замок', 'creme'])
  expect(found.text).toBe('Ёлку и за\u0301мок: crème.')
  expect(marked(found)).toEqual(['Ёлку', 'за\u0301мок', 'crème'])
})

it('shows a place in the middle, cut between words', () => {
  const found = snippet(`${filler(60)}редкость ${filler(60)}`, ['редк'])
  expect(marked(found)).toEqual(['редкость'])
  expect(found.text).toMatch(/^…(слово )+редкость (слово )+слово…$/)
  expect(found.text.length).toBeLessThanOrEqual(142)
  expect(found.text.length).toBeGreaterThan(120)
})

it('shows a run that is longer than itself where it is', () => {
  const found = snippet(`${filler(60)}deadbeef${'0'.repeat(150)}`, ['deadbeef'])
  expect(marked(found)).toEqual([expect.stringMatching(/^deadbeef0{90,}$/)])
})

it('prefers the place with more of the words, then the one that fits better', () => {
  const gap = filler(50)
  const text = `кот ${gap} кот и пёс ${gap} котлета`
  expect(marked(snippet(text, ['кот', 'пес']))).toEqual(['кот', 'пёс'])
  expect(marked(snippet(`котлета ${gap} кот`, ['кот']))).toEqual(['кот'])
})

it('shows the beginning, without a mark, where nothing of it was searched for', () => {
  const found = snippet(`  начало ${filler(60)}`, ['иное'])
  expect(found.text).toMatch(/^начало слово/)
  expect(found.marks).toEqual([])
})

it('stays short where there is no gap to cut at, and halves no character', () => {
  const found = snippet(`😀${'x'.repeat(9000)}`, ['x'.repeat(64)])
  expect(found.text.length).toBeLessThan(150)
  expect(snippet('😀'.repeat(500), ['no']).text.isWellFormed()).toBe(true)
  expect(snippet(`${'😀'.repeat(500)} да`, ['да']).text.isWellFormed()).toBe(true)
})

it('marks, in any text, exactly words that begin with what was searched for', () => {
  const next = random(11)
  const parts = ['кот', 'коты', 'Ёж', 'ежевика', 'за\u0301мок', ' ', '\n', ', ', '_', 'x2', '😀', '½']
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: below(next, 120) }, () => oneOf(next, parts)).join('')
    const query = [oneOf(next, ['ко', 'еж', 'замок', 'x', '1'])]
    const found = snippet(text, query)
    const [wanted = ''] = query
    for (const mark of marked(found)) {
      expect(words(mark).some((word) => word.startsWith(wanted)), mark).toBe(true)
    }
    const isThere = words(text).some((word) => word.startsWith(wanted))
    expect(found.marks.length > 0, JSON.stringify({ text, query })).toBe(isThere)
    expect(found.text.length).toBeLessThan(150)
    let last = -1
    for (const [start, end] of found.marks) {
      expect(start).toBeGreaterThan(last)
      last = end
    }
  }
})
