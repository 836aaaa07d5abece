/** A phone sleeps through the end of an answer: when it wakes, the answer is there. */
import { expect, test } from '@playwright/test'
import { keep, show } from './figures.ts'
import { Town } from './town.ts'

const SLEEP_S = Number(process.env.HEARTH_ROADS_SLEEP_S ?? 20)
/** The answer ends while the phone sleeps. */
const WORDS = Math.min(900, 30 * Math.floor(SLEEP_S / 2))
const WHOLE_MS = 2_000
/** A phone that wakes elsewhere has to find out first that the ways it knew are gone. */
const ELSEWHERE_MS = 5_000

const places = [
  { where: 'where it fell asleep', wakesAway: false, withinMs: WHOLE_MS },
  { where: 'in another network', wakesAway: true, withinMs: ELSEWHERE_MS },
]

test.describe('the whole answer is there when the phone wakes', () => {
  test.describe.configure({ timeout: 120_000 + SLEEP_S * 1000 })
  test.afterAll(() => {
    show('sleep')
  })

  for (const { where, wakesAway, withinMs } of places) {
    test(where, async () => {
      const town = await Town.start()
      try {
        await town.settle()
        await town.person.ask(`Count to ${String(WORDS)}.`)
        await expect.poll(async () => (await town.heard()).length).toBeGreaterThan(15)
        const asleep = performance.now()
        // Chromium without a window freezes no page by its protocol, so all of it is stopped.
        town.map.phone.freeze()
        expect(town.home.answers()).toEqual([])
        if (wakesAway) town.map.movePhone('away')
        await expect.poll(() => town.home.answers().length, { timeout: 60_000 }).toBe(1)
        const left = SLEEP_S * 1000 - (performance.now() - asleep)
        await new Promise((done) => setTimeout(done, left))

        const woke = performance.now()
        town.map.phone.thaw()
        // What a phone says to a page that is looked at again.
        await town.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
        await expect
          .poll(async () => (await town.heard()).length, { intervals: [20], timeout: 30_000 })
          .toBe(WORDS)
        const took = performance.now() - woke
        keep('sleep', where, { 'slept, s': SLEEP_S, 'whole answer, ms': Math.round(took) })
        await town.expectNothingLost(WORDS)
        expect(took).toBeLessThanOrEqual(withinMs)
      } finally {
        await town.dispose()
      }
    })
  }
})
