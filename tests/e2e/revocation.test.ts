import { type Browser, expect, test } from '@playwright/test'
import { Hearth } from './hearth.ts'
import { android, devices, DevicesPage } from './household.ts'
import { Person } from './person.ts'
import { isElsewhere, withoutLan } from './road.ts'
import { words } from './words.ts'

const removed = words.error.device_revoked!

test.describe('a removed device', () => {
  let hearth: Hearth
  /** The owner, on the page of devices. */
  let owner: DevicesPage
  let ownName: string

  test.beforeAll(async ({ browser }) => {
    hearth = await Hearth.start({ settings: withoutLan })
    const person = await Person.arrive(await browser.newContext(), hearth)
    await person.register('anna')
    owner = await DevicesPage.of(person)
    ownName = await owner.me()
  })
  test.afterEach(async ({ browser }) => {
    for (const context of browser.contexts()) {
      if (context !== owner.page.context()) await context.close()
    }
  })
  test.afterAll(async () => {
    await hearth.dispose()
  })

  /** Somebody new of the household, with a phone. */
  async function joins(browser: Browser, name: string, ...options: string[]): Promise<Person> {
    const person = await Person.arrive(await isElsewhere(await browser.newContext(android)), hearth)
    await person.makeAccount(name)
    await person.pair('--person', name, ...options)
    await person.connected()
    await expect(owner.person(name)).toContainText('Connected now')
    return person
  }

  test('is cut off in the middle of an answer, and stays out', async ({ browser }) => {
    const boris = await joins(browser, 'boris')
    const before = await owner.codes(ownName)
    await owner.askToRemove('boris')
    await boris.ask('Write a very long story about a lighthouse keeper and the sea.')
    await expect(boris.answers.last()).toContainText(/\w+ \w+ \w+/)
    await expect(boris.answers.last()).toHaveAttribute('aria-busy', 'true')
    await owner.confirmRemoval()

    await expect(boris.page.getByText(removed)).toBeVisible()
    await expect(boris.badge).not.toContainText('Connected')
    const heard = await boris.answers.last().innerText()
    await expect(owner.person('boris')).toContainText('Removed: 1')
    await expect(owner.person('boris')).toContainText('No device yet.')
    // The PC has spoken with others since, and this device has heard nothing of it.
    expect(await devices(hearth)).toMatch(/boris \(member\)\n.* removed/)
    await expect(boris.answers.last()).toHaveText(heard, { useInnerText: true })

    await boris.page.reload()
    await expect(boris.page.getByText(removed)).toBeVisible()
    await expect(boris.badge).not.toContainText('Connected')
    // What it had stays on it: anybody on the way could say that it was removed. It gets no more.
    await expect(boris.page.getByRole('article', { name: 'You' })).toHaveCount(1)
    await boris.page.getByRole('button', { name: 'Try again' }).click()
    await expect(boris.page.getByText(removed)).toBeVisible()

    // The owner has had one and the same connection all the time.
    expect(await owner.codes(ownName)).toEqual(before)
    await expect(owner.page.getByRole('status').first()).toContainText('Connected')
  })

  test('is refused when it comes back from being away', async ({ browser }) => {
    const clara = await joins(browser, 'clara')
    await clara.page.close()
    await expect(owner.person('clara')).not.toContainText('Connected now')
    await owner.askToRemove('clara')
    await owner.confirmRemoval()
    await expect(owner.person('clara')).toContainText('Removed: 1')

    const page = await browser.contexts().at(-1)!.newPage()
    await page.goto(hearth.url)
    await expect(page.getByText(removed)).toBeVisible()
    await expect(page.getByRole('status').first()).not.toContainText('Connected')
  })

  test('is removed and let back in by commands, without pairing anew', async ({ browser }) => {
    const dora = await joins(browser, 'dora')
    await dora.ask('Name a quokka that lives in Zanzibar.')
    await expect(dora.answers).toContainText(/\w/)
    const id = await idOf('dora')
    expect(await devices(hearth, 'remove', id)).toContain('Android is removed')
    await expect(dora.page.getByText(removed)).toBeVisible()
    await expect(owner.person('dora')).toContainText('Removed: 1')

    expect(await devices(hearth, 'readmit', id)).toContain('Android may come back')
    await dora.page.getByRole('button', { name: 'Try again' }).click()
    await dora.connected()
    await expect(dora.page.getByText(removed)).toHaveCount(0)
    await dora.page.reload()
    await dora.connected()
    await expect(dora.page.getByRole('article', { name: 'You' })).toContainText('quokka')
    expect(await idOf('dora')).toBe(id)
  })

  /** The id of a person's only device, as the command lists it. */
  async function idOf(name: string): Promise<string> {
    const [, id] = new RegExp(`^${name} \\(.*\\)\\n +([0-9a-f]+) `, 'm').exec(await devices(hearth))!
    return id!
  }

  test('is told from one that stays by the code of its connection', async ({ browser }) => {
    const erik = await joins(browser, 'erik')
    await erik.page.goto(`${hearth.url}/verify`)
    const spelled = erik.page.getByText(/^([0-9A-Z] ){7}[0-9A-Z]$/)
    const code = (await spelled.innerText()).replaceAll(' ', '')
    await expect(erik.page.getByRole('listitem').filter({ hasText: 'this connection' })).toHaveText(
      new RegExp(`^${code.slice(0, 4)} ${code.slice(4)}`),
    )
    await expect.poll(() => owner.codes('erik')).toEqual([code])
    expect(await owner.codes(ownName)).not.toContain(code)
    const listed = await devices(hearth)
    expect(listed).toMatch(
      new RegExp(`erik \\(member\\)\\n.*code ${code.slice(0, 4)}-${code.slice(4)}$`, 'm'),
    )
  })

  test('cannot be looked up by others: only the owner sees everybody', async ({ browser }) => {
    const fanny = await joins(browser, 'fanny')
    const gus = await joins(browser, 'gus', '--guest')
    for (const [person, name, other] of [
      [fanny, 'fanny', 'gus'],
      [gus, 'gus', 'fanny'],
    ] as const) {
      const page = await DevicesPage.of(person)
      await expect(page.person(name)).toContainText('Android')
      await expect(page.page.locator('section')).toHaveCount(1)
      expect(await page.page.locator('body').innerText()).not.toContain(other)
      expect(await page.page.locator('body').innerText()).not.toContain(ownName)
    }
    await expect(owner.person('fanny')).toBeVisible()
    await expect(owner.person('gus')).toBeVisible()
    // A guest cannot bring others in.
    await expect(gus.page.getByRole('button', { name: 'Add a device' })).toHaveCount(0)
    await expect(fanny.page.getByRole('button', { name: 'Add a device' })).toBeVisible()
  })
})
