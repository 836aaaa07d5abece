/**
 * What the road from the engine to the screen costs.
 *
 * Opening: from `new RTCPeerConnection` to the first chat message, the welcome. First token: from the
 * key press to the first text on the screen, less what the PC itself needed for it.
 */
import { expect, test } from '@playwright/test'
import { Hearth } from '../hearth.ts'
import { Person } from '../person.ts'
import { histogram, median, percentile } from './figures.ts'
import { listen, type Heard } from './listen.ts'

const OPENINGS = 15
const QUESTIONS = 30
const OPEN_BUDGET_MS = 150
const ADDED_BUDGET_MS = 33 + 10

test('first token', async ({ context }) => {
  const hearth = await Hearth.start({ settings: { HEARTH_MAX_TOKENS: '12' } })
  try {
    await listen(context)
    const person = await Person.arrive(context, hearth.url)
    await person.register('bench')

    const openings: number[] = []
    for (let round = 0; round < OPENINGS; round += 1) {
      await person.page.reload()
      await person.connected()
      openings.push(await heard(person).then(({ opened, welcomed }) => welcomed - opened))
    }

    const seen: number[] = []
    const added: number[] = []
    const ratios: number[] = []
    for (let round = 0; round < QUESTIONS; round += 1) {
      await person.page.getByRole('button', { name: 'New chat' }).first().click()
      await person.composer.fill(`Name the number ${round} in words.`)
      await person.page.evaluate(() => window.heard.begin())
      await person.composer.press('Enter')
      await person.answer()
      const { pressed, painted, firstTokenMs } = await heard(person)
      seen.push(painted - pressed)
      added.push(painted - pressed - firstTokenMs)
      ratios.push((painted - pressed) / firstTokenMs)
    }

    const open = median(openings)
    const p95 = percentile(added, 95)
    console.log(histogram('open to first chat message, ms', openings))
    console.log(histogram('key press to first text on the screen, ms', seen))
    console.log(histogram('of it added to the PC’s own time, ms', added))
    console.log(
      `screen / PC: median ${median(ratios).toFixed(2)}, ` +
        `p5 ${percentile(ratios, 5).toFixed(2)}, p95 ${percentile(ratios, 95).toFixed(2)}`,
    )
    console.log(
      `first-token: open ${open.toFixed(0)} ms (budget ${OPEN_BUDGET_MS}), ` +
        `added p95 ${p95.toFixed(0)} ms (budget ${ADDED_BUDGET_MS})`,
    )
    expect(open).toBeLessThanOrEqual(OPEN_BUDGET_MS)
    expect(p95).toBeLessThanOrEqual(ADDED_BUDGET_MS)
  } finally {
    await hearth.dispose()
  }
})

async function heard({ page }: Person): Promise<Heard> {
  return page.evaluate(() => ({ ...window.heard }))
}
