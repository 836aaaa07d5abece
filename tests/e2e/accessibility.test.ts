import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'

const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  (['en-US', 'ru-RU'] as const).map((locale) => ({ colorScheme, locale })),
)

test.describe('every route', () => {
  let hearth: Hearth
  test.beforeAll(async () => {
    hearth = await Hearth.start()
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  for (const { colorScheme, locale } of looks) {
    test(`is accessible in ${colorScheme}, ${locale}, and stays within its policy`, async ({
      browser,
    }) => {
      const english = await browser.newContext({ colorScheme })
      const person = await Person.arrive(english, hearth.url)
      await person.register(`someone-${colorScheme}-${locale.slice(0, 2)}`)
      await person.ask('Say hello.')
      await person.answer()

      for (const viewport of [
        { width: 412, height: 823 },
        { width: 1280, height: 800 },
      ]) {
        const context = await browser.newContext({ colorScheme, locale, viewport })
        const page = await context.newPage()
        const complaints = complaintsOf(page)
        for (const route of ['/login', '/register']) {
          await page.goto(hearth.url + route)
          await expect(page.locator('input[type=password]')).toBeVisible()
          await examine(page, route)
        }
        await context.addCookies((await english.storageState()).cookies)
        await page.goto(person.page.url())
        await expect(page.getByRole('article')).toHaveCount(2)
        await examine(page, 'a chat')
        for (const route of ['/', '/settings']) {
          await page.goto(hearth.url + route)
          await expect(page.locator('main')).toBeVisible()
          await examine(page, route)
        }
        // Asking who one is without being logged in is answered with 401, which Chromium notes.
        expect(complaints.filter((text) => !text.includes('401'))).toEqual([])
        await english.addCookies((await context.storageState()).cookies)
        await context.close()
      }
      await english.close()
    })
  }
})

/** Collects what the page writes as an error, a refusal of its own policy among them. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

async function examine(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => [what, id, nodes.map((n) => n.html)])).toEqual([])
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
  expect(isWide, `${what} scrolls sideways`).toBe(false)
}
