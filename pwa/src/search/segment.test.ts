import { expect, it } from 'vitest'
import { below, random } from '../../tests/support/searched'
import { eachDocument, firstFrom, type Segment, SegmentBuilder, termAt, termCount } from './segment'

const document = (seq: number, text: string) => ({ chat: 'c', seq, turn: seq, atMs: 0, text })

function segmentOf(texts: readonly string[]): Segment {
  const builder = new SegmentBuilder()
  for (const [seq, text] of texts.entries()) builder.add(document(seq, text))
  return builder.end()
}

function contents(segment: Segment): [string, number[]][] {
  return Array.from({ length: termCount(segment) }, (_, term) => {
    const documents: number[] = []
    eachDocument(segment, term, (one) => documents.push(one))
    return [termAt(segment, term), documents]
  })
}

it('has every word once, in order, with each document of it once', () => {
  expect(contents(segmentOf(['я ты я', 'b a', 'ты b ты']))).toEqual([
    ['a', [1]],
    ['b', [1, 2]],
    ['ты', [0, 2]],
    ['я', [0]],
  ])
})

it('keeps any distance between two documents', () => {
  const next = random(3)
  const rare: number[] = []
  const texts = Array.from({ length: 40_000 }, (_, seq) => {
    const isFar = seq > 20_000 && seq < 39_999
    if (seq < 39_999 && (isFar || below(next, 900) > 0)) return ''
    rare.push(seq)
    return 'rare'
  })
  expect(contents(segmentOf(texts))).toEqual([['rare', rare]])
  expect(Math.max(...rare.map((seq, at) => seq - (rare[at - 1] ?? 0)))).toBeGreaterThan(16_384)
})

it('says where the words from a beginning on are', () => {
  const segment = segmentOf(['ab abc b'])
  expect(['a', 'ab', 'abb', 'abc', 'b', 'c'].map((word) => firstFrom(segment, word))).toEqual([
    0, 0, 1, 1, 2, 3,
  ])
})
