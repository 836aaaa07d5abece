import { expect, type Page, test } from '@playwright/test'
import { Camera, readTerminal } from './camera.ts'
import { Hearth } from './hearth.ts'
import { android, comesWith, DevicesPage, logIn, seesWaysToPair, windows } from './household.ts'
import { Person } from './person.ts'
import { words } from './words.ts'

test('the first browser on the PC is paired by itself and told so, the next one is not', async ({
  browser,
  context,
}) => {
  const hearth = await Hearth.start()
  try {
    const first = await Person.arrive(context, hearth)
    await first.makeAccount('anna')
    await first.connected()
    await expect(first.page.getByText(words.notice.pairedByItself!)).toBeVisible()
    const own = await DevicesPage.of(first)
    await expect(own.page.locator('section', { hasText: 'This device' })).toContainText('Owner')
    await first.page.reload()
    await first.connected()
    await expect(first.page.getByText(words.notice.pairedByItself!)).toHaveCount(0)

    const second = await Person.arrive(await browser.newContext(), hearth)
    const doors: string[] = []
    second.page.on('response', (response) => {
      if (response.status() === 302) doors.push(response.headers().location!)
    })
    await second.page.goto(`${hearth.url}/login`)
    await logIn(second.page, 'anna')
    // It went to the PC's own door, and came back with nothing.
    await expect.poll(() => doors).toEqual([`${hearth.url}/pair`])
    await expect(second.page.getByRole('heading', { name: words.pair.heading })).toBeVisible()
    await expect(second.page.getByRole('button', { name: 'Scan the QR' })).toBeVisible()
    await expect(second.page.getByRole('textbox', { name: 'Code from the PC' })).toBeVisible()
    await expect(second.page.getByRole('button', { name: 'Compare codes' })).toBeVisible()
    await expect(second.composer).toHaveCount(0)
    await second.page.context().close()
  } finally {
    await hearth.dispose()
  }
})

test.describe('another browser', () => {
  let hearth: Hearth
  /** The owner, on the page of devices. */
  let owner: DevicesPage

  test.beforeAll(async ({ browser }) => {
    hearth = await Hearth.start()
    const person = await Person.arrive(await browser.newContext(), hearth)
    await person.register('anna')
    owner = await DevicesPage.of(person)
  })
  test.afterEach(async ({ browser }) => {
    // What a failed test has left would be in the next one's way.
    if (await owner.dialog.isVisible()) await owner.close()
    for (const context of browser.contexts()) {
      if (context !== owner.page.context()) await context.close()
    }
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  test('scans the QR of the page of devices', async ({ launchOptions }) => {
    const camera = await Camera.start(launchOptions, owner.page)
    try {
      const phone = await comesWith(camera.browser, hearth, 'anna', android)
      await owner.add()
      await camera.sees(owner.page)
      await phone.page.getByRole('button', { name: 'Scan the QR' }).click()
      await phone.connected()
      await expect(owner.dialog).toContainText('“Android” is now a device of')
      await owner.close()
    } finally {
      await camera.dispose()
    }
  })

  test('types the code in small letters without dashes, and the code is good for one', async ({
    browser,
  }) => {
    const laptop = await comesWith(browser, hearth, 'anna', windows)
    const late = await comesWith(browser, hearth, 'anna')
    await owner.add()
    const code = await owner.code()
    expect(code).toHaveLength(16)
    await laptop.type(code.toLowerCase())
    await laptop.connected()
    await expect(owner.dialog).toContainText('“Windows” is now a device of')

    await late.type(code)
    await expect(late.page.getByRole('alert')).toHaveText(words.error.pairing_used!)
    await owner.close()
  })

  for (const isIn of [true, false]) {
    const title = isIn ? 'opens the link of the command' : 'opens the link and has to log in first'
    test(title, async ({ browser }) => {
      const person = isIn
        ? await comesWith(browser, hearth, 'anna')
        : await Person.arrive(await browser.newContext(), hearth)
      const { page } = person
      const command = hearth.pair()
      const code = (await command.code()).replaceAll('-', '')
      const link = readTerminal(command.output)
      expect(link).toMatch(new RegExp(`^${hearth.url}/pair#[0-9a-f]{32}\\.${code}$`))

      await page.goto(link)
      if (!isIn) {
        await expect(page).toHaveURL(`${hearth.url}/login?next=/pair`)
        await logIn(page, 'anna')
      }
      await expect(page.getByRole('heading', { name: words.pair.invited.heading })).toBeVisible()
      expect(page.url()).toBe(`${hearth.url}/pair`)
      await page.getByRole('button', { name: 'Pair', exact: true }).click()
      await person.connected()
      expect(await command.ended, command.output).toBe(0)
      expect(page.url()).toBe(`${hearth.url}/`)
      const visited = await history(page)
      expect(visited).toContain(`${hearth.url}/`)
      expect(visited.join()).not.toContain(code)
    })
  }

  test('types the code of the command', async ({ browser }) => {
    const person = await comesWith(browser, hearth, 'anna', windows)
    const command = hearth.pair()
    await person.type(await command.code())
    await person.connected()
    expect(await command.ended).toBe(0)
    expect(command.output).toContain('Paired: Windows is')
  })

  /** Has a browser and the owner show a code each. */
  async function compared(person: Person): Promise<void> {
    await owner.add('compare')
    await person.page.getByRole('button', { name: 'Compare codes' }).click()
    await expect(owner.dialog.getByRole('button', { name: 'The same' })).toBeVisible()
    await expect(person.page.getByRole('button', { name: 'They are the same' })).toBeVisible()
    expect(await owner.code()).toHaveLength(8)
    expect(await codeOn(person)).toBe(await owner.code())
  }

  test('compares codes: the same on both', async ({ browser }) => {
    const phone = await comesWith(browser, hearth, 'anna', android)
    await compared(phone)
    await phone.page.getByRole('button', { name: 'They are the same' }).click()
    // One 'yes' is not enough.
    await expect(phone.page.getByRole('heading', { name: 'Now say so on the PC' })).toBeVisible()
    await owner.dialog.getByRole('button', { name: 'The same' }).click()
    await phone.connected()
    await expect(owner.dialog).toContainText('“Android” is now a device of')
    await owner.close()
  })

  test('compares codes: a no on either side pairs nothing', async ({ browser }) => {
    const phone = await comesWith(browser, hearth, 'anna', android)
    await compared(phone)
    await phone.page.getByRole('button', { name: 'They differ' }).click()
    await expect(phone.page.getByRole('alert')).toHaveText(words.pair.failure.declined!)
    await expect(owner.dialog.getByRole('alert')).toBeVisible()
    await isNotPaired(phone)
    await owner.close()

    await compared(phone)
    await phone.page.getByRole('button', { name: 'They are the same' }).click()
    await owner.dialog.getByRole('button', { name: 'Different' }).click()
    await expect(phone.page.getByRole('alert')).toHaveText(words.error.pairing_declined!)
    await expect(owner.dialog.getByRole('alert')).toHaveText(
      words.invitation.ended.pairing_declined!,
    )
    await isNotPaired(phone)
    await owner.close()
  })

  test('compares codes with the command', async ({ browser }) => {
    const person = await comesWith(browser, hearth, 'anna', windows)
    const command = hearth.pair('--compare')
    await expect.poll(() => command.output).toContain('choose to compare codes')
    await person.page.getByRole('button', { name: 'Compare codes' }).click()
    const code = await command.code(2)
    await expect(person.page.getByRole('button', { name: 'They are the same' })).toBeVisible()
    expect(await codeOn(person)).toBe(code.replace('-', ''))
    command.answer('y')
    await person.page.getByRole('button', { name: 'They are the same' }).click()
    await person.connected()
    expect(await command.ended, command.output).toBe(0)
  })

  test('is told of a wrong code, and may try again', async ({ browser }) => {
    const person = await comesWith(browser, hearth, 'anna')
    await owner.add()
    const code = await owner.code()
    await person.type(wrong(code))
    await expect(person.page.getByRole('alert')).toHaveText(words.error.pairing_code_wrong!)
    await person.type(code)
    await person.connected()
    await owner.close()
  })

  test('is told that the invitation was closed', async ({ browser }) => {
    const person = await comesWith(browser, hearth, 'anna')
    await owner.add()
    const code = await owner.code()
    await owner.close()
    await person.type(code)
    await expect(person.page.getByRole('alert')).toHaveText(words.error.pairing_closed!)
    await isNotPaired(person)
  })

  test('is locked out by ten wrong codes, and the owner is told', async ({ browser }) => {
    const person = await comesWith(browser, hearth, 'anna')
    await owner.add()
    const code = await owner.code()
    const alert = person.page.getByRole('alert')
    for (let tries = 0; tries < 10; tries++) {
      await expect(owner.dialog.getByRole('timer')).toBeVisible()
      await person.type(wrong(code))
      await expect(alert).toHaveText(words.error.pairing_code_wrong!)
    }
    await expect(owner.dialog.getByRole('alert')).toHaveText(
      words.invitation.ended.pairing_locked!,
    )
    await person.type(code)
    await expect(alert).toHaveText(words.error.pairing_locked!)
    await isNotPaired(person)
    await owner.close()
  })

  // That a code is good for two minutes: tests/gpu_peer/household/test_reception.py for the PC, and
  // pwa/src/pages/DevicesPage.test.ts for the page. A browser whose clock is moved loses its connection.
  for (const [name, role] of [
    ['Vera', 'Member'],
    ['Gus', 'Guest'],
  ] as const) {
    test(`is the first of a person who was invited as ${role.toLowerCase()}`, async ({ browser }) => {
      const person = await Person.arrive(await browser.newContext(android), hearth)
      await person.makeAccount(name.toLowerCase())
      await seesWaysToPair(person.page)
      await owner.invite(name, role)
      await expect(owner.dialog).toContainText(`join as ${name}`)
      await person.type(await owner.code())
      await person.connected()
      await expect(owner.dialog).toContainText(`“Android” is now a device of ${name}.`)
      await owner.close()
      const shown = owner.person(name)
      await expect(shown).toContainText(role)
      await expect(shown.getByRole('listitem').first()).toContainText('Android')
      await expect(shown).toContainText('Connected now')
    })
  }
})

/** The code that a browser asks to compare, without gaps. */
async function codeOn({ page }: Person): Promise<string> {
  const spelled = await page.getByText(/^Code: /).innerText()
  return spelled.replace('Code: ', '').replace(/[ ,]/g, '')
}

/** Another code of the same form. */
function wrong(code: string): string {
  return (code.startsWith('0') ? '1' : '0') + code.slice(1)
}

async function isNotPaired({ page, url, composer }: Person): Promise<void> {
  await page.goto(url)
  await expect(page).toHaveURL(`${url}/pair`)
  await expect(page.getByRole('button', { name: 'Scan the QR' })).toBeVisible()
  await expect(composer).toHaveCount(0)
}

/** The addresses that the browser keeps of a tab. */
async function history(page: Page): Promise<string[]> {
  const devtools = await page.context().newCDPSession(page)
  const { entries } = await devtools.send('Page.getNavigationHistory')
  return entries.map(({ url }) => url)
}
