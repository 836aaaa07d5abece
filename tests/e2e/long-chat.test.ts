import AxeBuilder from '@axe-core/playwright'
import { expect, type Locator, type Page, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'

const sentence = 'The model no longer sees messages above this line'

test.describe('a chat that the model cannot hold', () => {
  let hearth: Hearth

  test.beforeAll(async () => {
    hearth = await Hearth.start({ settings: { HEARTH_CONTEXT: '256', HEARTH_MAX_TOKENS: '24' } })
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  test('goes on, and says on every device what is left out', async ({ browser, context }) => {
    const person = await Person.arrive(context, hearth)
    await person.register('anna')
    const line = lineOf(person.page)
    for (let number = 1; (await line.count()) === 0; number++) {
      expect(number).toBeLessThan(12)
      await person.ask(`Tell me fact number ${String(number)} about the sea.`)
      expect(await person.answer()).not.toContain('failed')
    }
    const seen = (await firstSeen(person.page).textContent()) ?? ''
    expect(seen).toContain('Tell me fact number')
    await line.click()
    await expect(person.page.getByText('Nothing was deleted.')).toBeVisible()
    const { violations } = await new AxeBuilder({ page: person.page }).analyze()
    expect(violations.map(({ id }) => id)).toEqual([])

    await person.page.reload()
    await expect(line).toBeAttached()
    await expect(firstSeen(person.page)).toHaveText(seen)

    const storageState = await context.storageState()
    const phone = await browser.newContext({ storageState, viewport: { width: 412, height: 823 } })
    const elsewhere = await Person.arrive(phone, hearth)
    await elsewhere.page.goto(hearth.url)
    await elsewhere.pair()
    await elsewhere.connected()
    await elsewhere.page.goto(person.page.url())
    await expect(lineOf(elsewhere.page)).toBeAttached()
    await expect(firstSeen(elsewhere.page)).toHaveText(seen)
    await phone.close()
  })

  test('gives back a message that is too long alone', async ({ context }) => {
    const person = await Person.arrive(context, hearth)
    await person.register('boris')
    const long = 'The sea is wide and deep. '.repeat(60).trim()
    await person.composer.fill(long)
    await person.composer.press('Enter')
    await expect(person.page.getByText(/Too long for the model: \d+ tokens/)).toBeVisible()
    await expect(person.composer).toHaveValue(long)
    await person.ask('The sea?')
    expect(await person.answer()).not.toBe('')
  })
})

function lineOf(page: Page) {
  return page.locator('summary', { hasText: sentence })
}

/** What the person said right below the line. The browser may not draw it, being far above. */
function firstSeen(page: Page): Locator {
  const turn = page.locator('.turn').filter({ has: lineOf(page) })
  return turn.getByRole('article', { name: 'You' })
}
