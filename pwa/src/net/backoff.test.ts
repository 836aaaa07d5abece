import { expect, it } from 'vitest'
import { backoff, delayMs } from './backoff'

it('doubles, up to the longest', () => {
  expect([1, 2, 3, 4].map((failures) => delayMs(failures, 1))).toEqual([400, 800, 1600, 3200])
  expect(delayMs(30, 1)).toBe(backoff.longestMs)
})

it('spreads over the upper half', () => {
  expect(delayMs(2, 0)).toBe(400)
  expect(delayMs(2, 0.5)).toBe(600)
})
