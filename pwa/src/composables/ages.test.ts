import { expect, it } from 'vitest'
import { groupByAge } from './ages'

it('groups by the days of the calendar', () => {
  const now = new Date(2026, 10, 22, 0, 30).getTime()
  const at = (day: number, hour: number) => ({
    changedMs: new Date(2026, 10, day, hour).getTime(),
  })
  const items = [at(22, 0), at(21, 23), at(21, 0), at(20, 12), at(15, 0), at(14, 23)]
  const groups = groupByAge(items, now).map(({ age, items: some }) => [age, some.length])
  expect(groups).toEqual([
    ['today', 1],
    ['yesterday', 2],
    ['week', 2],
    ['older', 1],
  ])
})
