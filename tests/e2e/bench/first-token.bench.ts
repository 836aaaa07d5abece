/**
 * What the road from the engine to the screen costs: that which the VDS introduces, on one machine.
 *
 * Opening: from `new RTCPeerConnection` to the first chat message, the welcome. First token: from the
 * moment the PC has the engine's first text to the moment the page has it. Around that, every stage
 * from the key press to the screen, and all of it against what the PC itself needed. Beside it, how soon
 * Stop ends an answer.
 */
import { expect, test } from '@playwright/test'
import { Hearth } from '../hearth.ts'
import { Person } from '../person.ts'
import { introduced, isElsewhere, withoutLan } from '../road.ts'
import { histogram, median, percentile } from './figures.ts'
import { listen, type Heard } from './listen.ts'

const OPENINGS = 15
const QUESTIONS = 30
const STOPS = 12
const OPEN_BUDGET_MS = 150
const ADDED_BUDGET_MS = 33 + 10
const STOP_BUDGET_MS = 500
const STAGES = [
  'key to command',
  'command to the PC',
  'first text on the PC',
  'engine to page',
  'page to screen',
]

test('first token', async ({ context }) => {
  const hearth = await Hearth.start({ settings: { HEARTH_MAX_TOKENS: '12', ...withoutLan } })
  try {
    await listen(await isElsewhere(context))
    const person = await Person.arrive(context, hearth)
    await person.register('bench')

    const openings: number[] = []
    for (let round = 0; round < OPENINGS; round += 1) {
      await person.page.reload()
      await introduced(person)
      openings.push(await heard(person).then(({ opened, welcomed }) => welcomed - opened))
    }

    const seen: number[] = []
    const ratios: number[] = []
    const stages: number[][] = []
    for (let round = 0; round < QUESTIONS; round += 1) {
      await person.page.getByRole('button', { name: 'New chat' }).first().click()
      await expect(person.answers).toHaveCount(0)
      await person.composer.fill(`Name the number ${round} in words.`)
      await person.page.evaluate(() => window.heard.begin())
      await person.composer.press('Enter')
      await person.answer()
      const { pressed, sent, begunAtMs, arrived, painted, firstTokenMs } = await heard(person)
      const made = begunAtMs + firstTokenMs
      stages.push([sent - pressed, begunAtMs - sent, firstTokenMs, arrived - made, painted - arrived])
      seen.push(painted - pressed)
      ratios.push((painted - pressed) / firstTokenMs)
    }

    const open = median(openings)
    const reached = percentile(stages.map((stage) => stage[3] ?? NaN), 95)
    console.log(histogram('open to first chat message, ms', openings))
    console.log(histogram('key press to first text on the screen, ms', seen))
    STAGES.forEach((name, at) => {
      const times = stages.map((stage) => stage[at] ?? NaN)
      const [middle, high] = [median(times), percentile(times, 95)].map((ms) => ms.toFixed(0))
      console.log(`  ${name.padEnd(24)} median ${middle} ms, p95 ${high} ms`)
    })
    const [low, middle, high] = [5, 50, 95].map((p) => percentile(ratios, p).toFixed(2))
    console.log(`screen against the PC alone: ${middle} times as long (p5 ${low}, p95 ${high})`)
    console.log(
      `first-token: open ${open.toFixed(0)} ms (budget ${OPEN_BUDGET_MS}), ` +
        `engine to page p95 ${reached.toFixed(0)} ms (budget ${ADDED_BUDGET_MS})`,
    )
    expect(open).toBeLessThanOrEqual(OPEN_BUDGET_MS)
    expect(reached).toBeLessThanOrEqual(ADDED_BUDGET_MS)
  } finally {
    await hearth.dispose()
  }
})

test('stop', async ({ context }) => {
  const hearth = await Hearth.start({ settings: withoutLan })
  try {
    const person = await Person.arrive(await isElsewhere(context), hearth)
    await person.register('bench')
    const times: number[] = []
    for (let round = 0; round < STOPS; round += 1) {
      await person.page.getByRole('button', { name: 'New chat' }).first().click()
      await expect(person.answers).toHaveCount(0)
      await person.ask('Write a very long story about a lighthouse keeper and the sea.')
      await expect(person.answers.last()).toContainText(/\w+ \w+ \w+/)
      times.push(await timeToStop(person))
    }
    console.log(histogram('press of Stop to the end of the answer on the screen, ms', times))
    console.log(`stop: median ${median(times).toFixed(0)} ms (budget ${STOP_BUDGET_MS})`)
    expect(median(times)).toBeLessThanOrEqual(STOP_BUDGET_MS)
  } finally {
    await hearth.dispose()
  }
})

/** Presses Stop and gives the milliseconds until the last answer is no longer busy. */
async function timeToStop({ page }: Person): Promise<number> {
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  return page.evaluate(async () => {
    const busy = (): boolean => document.querySelector('article[aria-busy="true"]') !== null
    const buttons = [...document.querySelectorAll('button')]
    const stop = buttons.find((b) => (b.getAttribute('aria-label') ?? b.textContent ?? '').trim() === 'Stop')
    const ended = new Promise<number>((done) => {
      const watcher = new MutationObserver(() => {
        if (busy()) return
        watcher.disconnect()
        done(performance.now())
      })
      watcher.observe(document.body, { attributes: true, childList: true, subtree: true })
    })
    const pressed = performance.now()
    stop!.click()
    return (await ended) - pressed
  })
}

async function heard({ page }: Person): Promise<Heard> {
  return page.evaluate(() => ({ ...window.heard }))
}
