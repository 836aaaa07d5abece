import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { MortalHearth } from './mortal.ts'
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

test.describe('every dialog of chats', () => {
  let hearth: MortalHearth
  test.beforeAll(async () => {
    hearth = await MortalHearth.start()
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  for (const { colorScheme, locale, viewport } of looks) {
    test(`is accessible in ${colorScheme}, ${locale}`, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme })
      const person = await Person.arrive(context, hearth)
      await person.register(`someone-${colorScheme}-${locale.slice(0, 2)}`)
      await person.ask('Count to 2.')
      await person.answer()
      const { page } = person
      if (locale === 'ru-RU') await speakRussian(page)
      await page.setViewportSize(viewport)
      const dialog = page.locator('dialog.dialog[open]')

      await page.goto(hearth.url)
      await person.badge.waitFor()
      if (viewport === phone) await page.getByRole('banner').getByRole('button').first().click()
      for (const [place, what] of [[0, 'rename'], [1, 'move'], [3, 'delete']] as const) {
        await page.locator('nav [aria-haspopup="menu"]').first().click()
        await examine(page, 'the menu of a chat')
        await page.getByRole('menuitem').nth(place).click()
        // A dialog of HTML without a name is nothing to axe.
        await expect(dialog).toHaveAccessibleName(/\S/)
        await examine(page, what)
        await page.keyboard.press('Escape')
        await expect(dialog).toHaveCount(0)
      }

      await page.goto(`${hearth.url}/settings`)
      const [id, message] = [1, 2].map((n) => `00000000-0000-7000-8000-00000000000${String(n)}`)
      const turn = { id: message, parent: null, at_ms: 1, text: 'Nobody answered', answers: [] }
      const chat = { id, title: 'From elsewhere', folder: 'Old', at_ms: 1, turns: [turn] }
      const file = JSON.stringify({ format: 'hearth-chats', version: 1, chats: [chat] })
      await page
        .locator('input[type=file]')
        .setInputFiles({ name: 'chats.json', mimeType: 'application/json', buffer: Buffer.from(file) })
      const buttons = dialog.getByRole('button')
      await expect(buttons).toHaveCount(2)
      await expect(dialog).toHaveAccessibleName(/\S/)
      await examine(page, 'what is in a file')
      await buttons.last().click()
      await expect(buttons).toHaveCount(1)
      await examine(page, 'what was imported')
      await page.goto(`${hearth.url}/chat/${id!}`)
      await expect(page.getByRole('article')).toHaveCount(1)
      await examine(page, 'a message without an answer')
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
  // What fades in, or changes its color under the pointer, has not the contrast yet that it will have.
  await page.evaluate(async () => {
    const isEnding = ({ effect }: Animation) => effect?.getComputedTiming().endTime !== Infinity
    const moving = document.getAnimations().filter(isEnding)
    await Promise.all(moving.map(({ finished }) => finished.catch(() => undefined)))
  })
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => [what, id, nodes.map((n) => n.html)])).toEqual([])
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
  expect(isWide, `${what} scrolls sideways`).toBe(false)
}
