/** A phone sleeps through the end of an answer: when it wakes, the answer is there. */
import { expect, test } from '@playwright/test'
import { keep, show } from './figures.ts'
import { Town } from './town.ts'

const SLEEP_S = Number(process.env.HEARTH_ROADS_SLEEP_S ?? 20)
/** The answer ends while the phone sleeps. */
const WORDS = Math.min(900, 30 * Math.floor(SLEEP_S / 2))
const WHOLE_MS = 2_000

const places = [
  { where: 'where it fell asleep', wakesAway: false },
  { where: 'in another network', wakesAway: true },
]

test.describe('the whole answer is there when the phone wakes', () => {
  test.describe.configure({ timeout: 120_000 + SLEEP_S * 1000 })
  test.afterAll(() => {
    show('sleep')
  })

  for (const { where, wakesAway } of places) {
    test(where, async () => {
      const town = await Town.start()
      try {
        await town.settle()
        await town.person.ask(`Count to ${String(WORDS)}.`)
        await expect.poll(async () => (await town.heard()).length).toBeGreaterThan(15)
        const lifecycle = await town.page.context().newCDPSession(town.page)
        await lifecycle.send('Page.setWebLifecycleState', { state: 'frozen' })
        if (wakesAway) town.map.takePhoneOut()
        await expect.poll(() => town.home.answers().length, { timeout: 60_000 }).toBe(1)
        await new Promise((done) => setTimeout(done, SLEEP_S * 1000 - (WORDS / 30) * 1000))
        expect((await town.heard()).length).toBeLessThan(WORDS)

        if (wakesAway) town.map.movePhone('away')
        const woke = performance.now()
        await lifecycle.send('Page.setWebLifecycleState', { state: 'active' })
        await expect
          .poll(async () => (await town.heard()).length, { intervals: [20], timeout: 30_000 })
          .toBe(WORDS)
        const took = performance.now() - woke
        keep('sleep', where, { 'slept, s': SLEEP_S, 'whole answer, ms': Math.round(took) })
        await town.expectNothingLost(WORDS)
        expect(took).toBeLessThanOrEqual(WHOLE_MS)
      } finally {
        await town.dispose()
      }
    })
  }
})
