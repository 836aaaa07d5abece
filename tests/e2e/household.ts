/** What people do on the page of devices and at the PC, in the words of the app. */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, type BrowserContextOptions, expect, type Locator, type Page } from '@playwright/test'
import type { Hearth } from './hearth.ts'
import { Person } from './person.ts'
import { isElsewhere } from './road.ts'
import { words } from './words.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** So that devices can be told apart by the names that they give themselves. */
export const android: BrowserContextOptions = {
  userAgent:
    'Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/138.0.0.0 Mobile Safari/537.36',
  viewport: { width: 412, height: 823 },
}
export const windows: BrowserContextOptions = {
  userAgent:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/138.0.0.0 Safari/537.36',
}

/** A new browser of somebody who has an account already, on another machine. It knows no PC. */
export async function comesWith(
  browser: Browser,
  hearth: Hearth,
  account: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const person = await Person.arrive(await isElsewhere(await browser.newContext(options)), hearth)
  await person.page.goto(`${hearth.url}/login`)
  await logIn(person.page, account)
  await seesWaysToPair(person.page)
  return person
}

/** Waits until the app has been at the PC's own door in vain, and leaves the rest to the person. */
export async function seesWaysToPair(page: Page): Promise<void> {
  await page.waitForFunction(() => sessionStorage.getItem('hearth.trip') === 'back')
  await expect(page.getByRole('heading', { name: words.pair.heading })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Scan the QR' })).toBeVisible()
}

export async function logIn(page: Page, account: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Username' }).fill(account)
  await page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

/** Runs `python -m gpu_peer devices` and gives what it says. */
export async function devices(hearth: Hearth, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    join(ROOT, '.venv/bin/python'),
    ['-m', 'gpu_peer', 'devices', ...words],
    { cwd: ROOT, env: { ...process.env, HEARTH_DATA: hearth.data } },
  )
  return stdout
}

/** The page 'Devices' of somebody who is paired. */
export class DevicesPage {
  private constructor(readonly page: Page) {}

  static async of(person: Person): Promise<DevicesPage> {
    await person.page.goto(`${person.url}/devices`)
    await expect(person.page.getByText('This device')).toBeVisible()
    return new DevicesPage(person.page)
  }

  /** What is said of a person and their devices. */
  person(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true })
  }

  /** Whoever looks at the page, whom the PC has named. */
  async me(): Promise<string> {
    const mine = this.page.locator('section', { hasText: 'This device' })
    return mine.getByRole('heading').innerText()
  }

  /** The codes of a person's live connections, without the space that people read them with. */
  async codes(name: string): Promise<string[]> {
    const listed = this.person(name).getByRole('list', { name: 'Codes of its connections' })
    const codes = await listed.getByRole('listitem').allInnerTexts()
    return codes.map((code) => code.replace(/\s/g, ''))
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog')
  }

  /** Opens an invitation, the owner's own if nothing else is said. */
  async add(how: 'secret' | 'compare' = 'secret'): Promise<void> {
    await this.page.getByRole('button', { name: 'Add a device' }).click()
    if (how === 'compare') await this.dialog.getByText('By comparing codes').click()
    await this.dialog.getByRole('button', { name: 'Go on' }).click()
    await expect(this.dialog.getByRole('timer')).toBeVisible()
  }

  /** Makes room for a person, whose first device is invited at once. */
  async invite(name: string, role: 'Member' | 'Guest'): Promise<void> {
    await this.page.getByRole('button', { name: 'Invite a person' }).click()
    await this.dialog.getByRole('textbox', { name: 'Name' }).fill(name)
    await this.dialog.getByText(role, { exact: true }).click()
    await this.dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await expect(this.qr).toBeVisible()
  }

  get qr(): Locator {
    return this.dialog.getByRole('img', { name: 'QR code' })
  }

  /** The code that is shown, without gaps. */
  async code(): Promise<string> {
    const spelled = this.dialog.getByText(/^([0-9A-Z] ){7,}[0-9A-Z]$/)
    return (await spelled.innerText()).replaceAll(' ', '')
  }

  async close(): Promise<void> {
    await this.dialog.getByRole('button', { name: /^(Done|Cancel|Close)$/ }).click()
    await expect(this.dialog).toHaveCount(0)
  }

  /** Asks to remove a person's only device, and leaves the last word. */
  async askToRemove(person: string): Promise<void> {
    await this.person(person).getByRole('button', { name: /^Actions for/ }).click()
    await this.page.getByRole('menuitem', { name: 'Remove' }).click()
    await expect(this.dialog).toBeVisible()
  }

  async confirmRemoval(): Promise<void> {
    await this.dialog.getByRole('button', { name: 'Remove' }).click()
  }
}
