import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { Person } from './person.ts'

const phone = { width: 412, height: 823 }
const desktop = { width: 1280, height: 800 }

/** Every two of color, language and size meet once. */
const looks = [
  { colorScheme: 'light', locale: 'en-US', viewport: phone },
  { colorScheme: 'light', locale: 'ru-RU', viewport: desktop },
  { colorScheme: 'dark', locale: 'en-US', viewport: desktop },
  { colorScheme: 'dark', locale: 'ru-RU', viewport: phone },
] as const

test.describe('every route', () => {
  let hearth: Hearth
  test.beforeAll(async () => {
    hearth = await Hearth.start()
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  for (const { colorScheme, locale, viewport } of looks) {
    test(`is accessible in ${colorScheme}, ${locale}, and stays within its policy`, async ({
      browser,
    }) => {
      const context = await browser.newContext({ colorScheme })
      const person = await Person.arrive(context, hearth)
      await person.register(`someone-${colorScheme}-${locale.slice(0, 2)}`)
      await person.ask('Say hello.')
      await person.answer()
      const chat = person.page.url()
      if (locale === 'ru-RU') await speakRussian(person.page)

      const { page } = person
      const complaints = complaintsOf(page)
      await page.setViewportSize(viewport)
      await page.goto(chat)
      await expect(page.getByRole('article')).toHaveCount(2)
      await examine(page, 'a chat')
      for (const route of ['/', '/settings', '/devices', '/verify', '/network', '/pair']) {
        await page.goto(hearth.url + route)
        await expect(page.locator('main')).toBeVisible()
        await examine(page, route)
      }
      expect(complaints).toEqual([])

      const strangers = await browser.newContext({ colorScheme, locale, viewport })
      const stranger = await strangers.newPage()
      const theirs = complaintsOf(stranger)
      for (const route of ['/login', '/register']) {
        await stranger.goto(hearth.url + route)
        await expect(stranger.locator('input[type=password]')).toBeVisible()
        await examine(stranger, route)
      }
      // Asking who one is without being logged in is answered with 401, which Chromium notes.
      expect(theirs.filter((text) => !text.includes('401'))).toEqual([])
      await strangers.close()
      await context.close()
    })
  }
})

async function speakRussian(page: Page): Promise<void> {
  await page.goto(new URL('/settings', page.url()).href)
  await page.getByText('Русский', { exact: true }).click()
  await expect(page.locator('html')).toHaveAttribute('lang', 'ru')
}

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
