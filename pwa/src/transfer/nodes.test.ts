import { expect, it } from 'vitest'
import type { SourceNode } from './nodes'
import { turnsFromNodes } from './nodes'

function node(id: string, parent: string | null, by: SourceNode['by'], text = id): SourceNode {
  return { id, parent, by, text, atMs: null, model: '' }
}

it('makes one answer of all that is said in a row, and one of each branch', () => {
  const turns = turnsFromNodes(
    [
      node('asked', null, 'person'),
      node('one', 'asked', 'model'),
      node('tool', 'one', 'neither'),
      node('two', 'tool', 'model'),
      node('other two', 'tool', 'model'),
      node('next', 'two', 'person'),
    ],
    'next',
  )
  expect(turns.map(({ id, parent }) => [id, parent])).toEqual([
    ['asked', null],
    ['next', 'asked'],
  ])
  expect(turns[0]?.answers.map((answer) => answer.text)).toEqual(['one\n\nother two', 'one\n\ntwo'])
})

it('lets a model speak first', () => {
  const [turn, next] = turnsFromNodes([node('hello', null, 'model'), node('hi', 'hello', 'person')], 'hi')
  expect(turn).toMatchObject({ text: '…', answers: [{ text: 'hello' }] })
  expect(next).toMatchObject({ id: 'hi', parent: turn?.id })
})

it('takes apart what follows itself, and loses nothing of it', () => {
  const ring = [node('a', 'c', 'person'), node('b', 'a', 'person'), node('c', 'b', 'person')]
  expect(turnsFromNodes([...ring, node('d', 'd', 'person')], 'a').map((turn) => [turn.id, turn.parent])).toEqual([
    ['a', null],
    ['b', 'a'],
    ['c', 'b'],
    ['d', null],
  ])
})

it('follows a chain of 100,000 messages, and 200,000 branches of one', () => {
  const by = (index: number) => (index % 2 === 0 ? 'person' : 'model')
  const chain = Array.from({ length: 100_000 }, (_, index) =>
    node(String(index), index === 0 ? null : String(index - 1), by(index)),
  )
  expect(turnsFromNodes(chain, '99999')).toHaveLength(50_000)
  const fan = Array.from({ length: 200_000 }, (_, index) => node(String(index), 'root', 'model'))
  expect(turnsFromNodes([node('root', null, 'person'), ...fan], null)[0]?.answers).toHaveLength(200_000)
})

it('refuses forks that would repeat the text before them without end', () => {
  const comb: SourceNode[] = [node('root', null, 'person')]
  for (let index = 0; index < 2000; index++) {
    const before = index === 0 ? 'root' : `back ${String(index - 1)}`
    comb.push(node(`back ${String(index)}`, before, 'model', 'x'.repeat(100)))
    comb.push(node(`tooth ${String(index)}`, `back ${String(index)}`, 'model', 'y'))
  }
  expect(() => turnsFromNodes(comb, null)).toThrow(expect.objectContaining({ code: 'too_large' }))
})
