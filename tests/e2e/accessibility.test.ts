import AxeBuilder from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
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

      const phone = { width: 412, height: 823 }
      for (const viewport of [phone, { width: 1280, height: 800 }]) {
        const context = await browser.newContext({
          colorScheme,
          locale,
          viewport,
          storageState: await english.storageState(),
        })
        const page = await context.newPage()
        const complaints: string[] = []
        page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()))
        page.on('pageerror', (error) => complaints.push(error.message))
        for (const route of ['/', '/settings', '/login', '/register']) {
          await page.goto(`${hearth.url}${route}`)
          await expect(page.locator('main')).toBeVisible()
          const { violations } = await new AxeBuilder({ page }).analyze()
          expect(violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)])).toEqual([])
          const wide = await page.evaluate(
            () => document.documentElement.scrollWidth > window.innerWidth,
          )
          expect(wide, `${route} scrolls sideways`).toBe(false)
        }
        expect(complaints).toEqual([])
        await english.addCookies((await context.storageState()).cookies)
        await context.close()
      }
      await english.close()
    })
  }
})
