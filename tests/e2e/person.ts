/** What a person does in the app, in the words of its accessible names. */
import { type BrowserContext, expect, type Locator, type Page } from '@playwright/test'

export class Person {
  constructor(
    readonly page: Page,
    readonly url: string,
  ) {}

  static async arrive(context: BrowserContext, url: string): Promise<Person> {
    return new Person(await context.newPage(), url)
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

  async register(name: string, password = 'a long enough password'): Promise<void> {
    await this.page.goto(`${this.url}/register`)
    await this.page.getByRole('textbox', { name: 'Username' }).fill(name)
    await this.page.getByLabel('Password', { exact: true }).fill(password)
    await this.page.getByRole('button', { name: 'Create account' }).click()
    await this.connected()
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
