/** What a person does in the app, in the words of its accessible names. */
import { type BrowserContext, expect, type Locator, type Page } from '@playwright/test'
import type { Hearth } from './hearth.ts'

/** What a person needs of a Hearth: its address, and a PC that invites. */
export type Invites = Pick<Hearth, 'url' | 'hasDevices' | 'pair'>

export class Person {
  private constructor(
    readonly page: Page,
    readonly hearth: Invites,
    readonly url: string,
  ) {}

  /** @param url where the app is opened */
  static async arrive(context: BrowserContext, hearth: Invites, url = hearth.url): Promise<Person> {
    return new Person(await context.newPage(), hearth, url)
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message' })
  }

  get answers(): Locator {
    return this.page.getByRole('article', { name: 'Hearth' })
  }

  get badge(): Locator {
    return this.page.getByRole('status').first()
  }

  /** Makes an account, and becomes a person of the PC: its owner who comes first, else a member. */
  async register(name: string): Promise<void> {
    await this.makeAccount(name)
    if (this.hearth.hasDevices) await this.pair('--person', name)
    this.hearth.hasDevices = true
    await this.connected()
  }

  async makeAccount(name: string, password = 'a long enough password'): Promise<void> {
    await this.page.goto(`${this.url}/register`)
    await this.page.getByRole('textbox', { name: 'Username' }).fill(name)
    await this.page.getByLabel('Password', { exact: true }).fill(password)
    await this.page.getByRole('button', { name: 'Create account' }).click()
  }

  /** Has the PC invite this browser, and types the code that it shows. */
  async pair(...options: string[]): Promise<void> {
    const command = this.hearth.pair(...options)
    await this.type(await command.code())
    expect(await command.ended, command.output).toBe(0)
  }

  /** Types a code for pairing. */
  async type(code: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Code from the PC' }).fill(code)
    await this.page.getByRole('button', { name: 'Pair', exact: true }).click()
  }

  async connected(): Promise<void> {
    await expect(this.badge).toContainText('Connected')
  }

  /** Says it, and waits until an answer to it has begun. */
  async ask(text: string): Promise<void> {
    const answered = await this.answers.count()
    await this.composer.fill(text)
    await this.composer.press('Enter')
    await expect(this.page.getByRole('article', { name: 'You' }).last()).toContainText(text)
    await expect(this.answers).toHaveCount(answered + 1)
  }

  /** Waits for the last answer to be complete and gives its text. */
  async answer(): Promise<string> {
    await expect(this.answers.last()).toHaveAttribute('aria-busy', 'false', { timeout: 90_000 })
    return this.answers.last().innerText()
  }

  async stop(): Promise<void> {
    await this.page.getByRole('button', { name: 'Stop' }).click()
  }
}
