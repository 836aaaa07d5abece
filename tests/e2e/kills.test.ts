/**
 * The PC's part is killed again and again, at moments that nobody chose, while two browsers write and
 * read. In the end everything that was ever written is there, once, and so is its answer.
 */
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { MortalHearth } from './mortal.ts'
import { Person } from './person.ts'
import { isElsewhere } from './road.ts'
import { logIn } from './household.ts'
import { seeded } from './seeded.ts'

/** HEARTH_SYNC_KILLS: how often, 200 for a proof. */
const KILLS = Number(process.env.HEARTH_SYNC_KILLS ?? 6)
const SEED = Number(process.env.HEARTH_SYNC_SEED ?? 1)
const LONGEST_LIFE_MS = 1_500

test.describe('a PC that dies at any moment', () => {
  test.describe.configure({ timeout: 120_000 + KILLS * 15_000 })

  test(`loses nothing and says nothing twice, ${String(KILLS)} times`, async ({ browser }) => {
    const hearth = await MortalHearth.start()
    try {
      const { random, below } = seeded(SEED)
      const anna = await Person.arrive(await browser.newContext(), hearth)
      await anna.register('anna')
      await anna.ask('Count to 2. The first word')
      await anna.answer()
      const phone = await alsoAnnas(await browser.newContext(), hearth)
      await phone.page.goto(anna.page.url())
      const people = [anna, phone]
      const written = ['Count to 2. The first word']

      for (let kill = 0; kill < KILLS; kill += 1) {
        const dies = new Promise((done) => setTimeout(done, below(LONGEST_LIFE_MS)))
        for (const [who, person] of people.entries()) {
          const text = `Count to ${String(2 + below(30))}. Message ${String(who)} of ${String(kill)}`
          written.push(text)
          await write(person, text)
        }
        await dies
        await hearth.kill()
        if (random() < 0.2) {
          const person = people[below(2)]!
          await person.page.reload()
        } else if (random() < 0.3) {
          const text = `Count to 3. Message while it is dead, ${String(kill)}`
          written.push(text)
          await write(people[below(2)]!, text)
        }
        await hearth.revive()
        if ((kill + 1) % 20 === 0) console.log(`${String(kill + 1)} kills, ${String(written.length)} messages`)
      }

      for (const person of people) await settles(person.page, written.length)
      const log = hearth.log()
      const said = log.filter(({ type }) => type === 'message_written')
      expect(said.map(({ text }) => text).sort()).toEqual([...written].sort())
      const begun = log.filter(({ type }) => type === 'answer_begun')
      expect(new Set(begun.map(({ message }) => message)).size).toBe(said.length)
      expect(begun).toHaveLength(said.length)
      const ended = log.filter(({ type }) => type === 'answer_ended')
      expect(ended.map(({ answer }) => answer).sort()).toEqual(begun.map(({ answer }) => answer).sort())

      const answers = new Map(ended.map(({ answer, text }) => [answer, text!.trim()]))
      const ofMessage = new Map(begun.map(({ message, answer }) => [message, answers.get(answer)]))
      for (const person of people) {
        expect(await texts(person.page, 'You')).toEqual(said.map(({ text }) => text))
        const shown = await texts(person.page, 'Hearth')
        expect(shown).toEqual(said.map(({ message }) => ofMessage.get(message)))
      }
    } finally {
      await hearth.dispose()
    }
  })
})

/** Another browser of hers, on another machine. */
async function alsoAnnas(context: BrowserContext, hearth: MortalHearth): Promise<Person> {
  const person = await Person.arrive(await isElsewhere(context), hearth)
  await person.page.goto(`${hearth.url}/login`)
  await logIn(person.page, 'anna')
  await person.pair()
  await person.connected()
  return person
}

async function write({ composer }: Person, text: string): Promise<void> {
  await composer.fill(text)
  await composer.press('Enter')
  await expect(composer).toHaveValue('')
}

/** Waits until everything that was written is on the PC, and every answer has ended. */
async function settles(page: Page, messages: number): Promise<void> {
  const said = page.getByRole('article', { name: 'You' })
  await expect(async () => {
    // What came before is drawn as a person goes up to it.
    await page.getByRole('log').evaluate((log) => log.scrollTo(0, 0))
    await expect(said).toHaveCount(messages, { timeout: 200 })
  }).toPass({ timeout: 60_000 })
  const answers = page.getByRole('article', { name: 'Hearth' })
  await expect(answers).toHaveCount(messages, { timeout: 60_000 + KILLS * 4_000 })
  await expect(page.locator('article[aria-busy="true"]')).toHaveCount(0, { timeout: 60_000 })
}

/** What is on the page, also where it is out of sight and not painted. */
async function texts(page: Page, name: string): Promise<string[]> {
  const articles = page.getByRole('article', { name })
  return articles.evaluateAll((found) =>
    found.map((one) =>
      [...one.querySelectorAll('.text p')].map((paragraph) => paragraph.textContent.trim()).join('\n'),
    ),
  )
}
