import { expect, it } from 'vitest'
import { shallowRef } from 'vue'
import { useNewest } from './newest'

const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => ({ id: String(first + index) }))

function start(first: number, last: number) {
  const all = shallowRef(from(first, last))
  const newest = useNewest(all)
  return { all, ...newest, ends: () => [newest.shown.value.at(0)?.id, newest.shown.value.at(-1)?.id] }
}

it('shows the last dozen, and their places among all', () => {
  const { ends, start: place } = start(1, 100)
  expect(ends()).toEqual(['89', '100'])
  expect(place.value).toBe(88)
})

it('shows all of what is short', () => {
  expect(start(1, 5).ends()).toEqual(['1', '5'])
})

it('shows more of what came before, up to the first', () => {
  const { ends, more } = start(1, 40)
  more()
  expect(ends()).toEqual(['5', '40'])
  more()
  expect(ends()).toEqual(['1', '40'])
  more()
  expect(ends()).toEqual(['1', '40'])
})

it('lets nothing go that is shown, where others come before and after it', () => {
  const { all, ends } = start(50, 100)
  all.value = from(1, 120)
  expect(ends()).toEqual(['89', '120'])
})

it('begins anew where what it began with is gone', () => {
  const { all, ends } = start(1, 100)
  all.value = from(1, 60)
  expect(ends()).toEqual(['49', '60'])
})

it('is at the end of what comes after nothing was there', () => {
  const all = shallowRef<{ id: string }[]>([])
  const { shown } = useNewest(all)
  all.value = from(1, 100)
  expect(shown.value).toHaveLength(12)
})

it('shows the last dozen where what came first was less', () => {
  const all = shallowRef(from(100, 100))
  const { shown } = useNewest(all)
  all.value = from(1, 100)
  expect(shown.value.at(0)?.id).toBe('89')
})

it('shows one that is sought, with a few before it', () => {
  const { ends, include } = start(1, 100)
  include('20')
  expect(ends()).toEqual(['16', '100'])
  include('95')
  expect(ends()).toEqual(['16', '100'])
  include('1')
  expect(ends()).toEqual(['1', '100'])
})
