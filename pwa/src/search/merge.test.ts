import { expect, it } from 'vitest'
import { merge, type Part, ripe } from './merge'
import { documentCount, type Segment, SegmentBuilder, termAt, termCount } from './segment'

const document = (chat: string, seq: number, text: string) => ({ chat, seq, turn: seq, atMs: 0, text })

function partOf(id: number, count: number, text = 'x'): Part {
  const builder = new SegmentBuilder()
  for (let seq = 0; seq < count; seq++) builder.add(document(`c${id}`, seq, text))
  return { id, segment: builder.end(), gone: new Uint8Array(count) }
}

function merged(parts: readonly Part[]): Segment {
  const steps = merge(parts)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

const termsOf = (segment: Segment) =>
  Array.from({ length: termCount(segment) }, (_, term) => termAt(segment, term))

it('leaves out what is gone: the documents, their chats and the words that only they had', () => {
  const [kept, gone] = [partOf(1, 2, 'общее своё'), partOf(2, 2, 'общее чужое')]
  gone.gone.fill(1)
  const segment = merged([kept, gone])
  expect(termsOf(segment)).toEqual(['общее', 'свое'])
  expect(segment.chats).toEqual(['c1'])
  expect(documentCount(segment)).toBe(2)
})

it('merges eight of about one size, and no fewer', () => {
  const seven = Array.from({ length: 7 }, (_, id) => partOf(id, 1 + id))
  const others = [partOf(10, 8), partOf(11, 63), partOf(12, 64)]
  expect(ripe([...seven, ...others])).toEqual([])
  const eighth = partOf(13, 1)
  expect(ripe([...seven, ...others, eighth])).toEqual([...seven, eighth])
})

it('rewrites one that is more than half gone', () => {
  const part = partOf(1, 10)
  part.gone.fill(1, 0, 5)
  expect(ripe([partOf(2, 10), part])).toEqual([])
  part.gone[5] = 1
  expect(ripe([partOf(2, 10), part])).toEqual([part])
})
