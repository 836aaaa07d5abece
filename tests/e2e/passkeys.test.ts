/** Passkeys in a real browser, whose authenticator is Chromium's own virtual one. */
import { type BrowserContext, type CDPSession, expect, type Page, test } from '@playwright/test'
import { admitted, Introducer } from './introducer.ts'

let vds: Introducer

test.beforeAll(async () => {
  vds = await Introducer.start()
})
test.afterAll(async () => {
  await vds.dispose()
})

class Authenticator {
  private constructor(
    readonly devtools: CDPSession,
    readonly id: string,
  ) {}

  static async attach(page: Page): Promise<Authenticator> {
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    return new Authenticator(devtools, authenticatorId)
  }

  async credentials() {
    const asked = { authenticatorId: this.id }
    return (await this.devtools.send('WebAuthn.getCredentials', asked)).credentials
  }

  /** Whether the person is recognised. */
  async verifies(isUserVerified: boolean): Promise<void> {
    const change = { authenticatorId: this.id, isUserVerified }
    await this.devtools.send('WebAuthn.setUserVerified', change)
  }

  /** Puts the same passkey back with an older count, as a copy that somebody made would have. */
  async count(signCount: number): Promise<void> {
    const [credential] = await this.credentials()
    const authenticatorId = this.id
    await this.devtools.send('WebAuthn.removeCredential', {
      authenticatorId,
      credentialId: credential!.credentialId,
    })
    await this.devtools.send('WebAuthn.addCredential', {
      authenticatorId,
      credential: { ...credential!, signCount },
    })
  }
}

interface Visitor {
  page: Page
  authenticator: Authenticator
  complaints: string[]
}

async function visit(context: BrowserContext): Promise<Visitor> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  return { page, authenticator: await Authenticator.attach(page), complaints }
}

async function register(page: Page, name: string): Promise<void> {
  await page.goto(`${vds.url}/register`)
  await page.getByRole('textbox', { name: 'Username' }).fill(name)
  await page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await page.getByRole('button', { name: 'Create account' }).click()
  await admitted(page)
}

async function addPasskey(page: Page): Promise<void> {
  await page.goto(`${vds.url}/settings`)
  const removes = page.getByRole('button', { name: /^Remove the passkey/ })
  const before = await removes.count()
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await expect(removes).toHaveCount(before + 1)
}

async function logOut(page: Page): Promise<void> {
  await page.goto(`${vds.url}/settings`)
  await page.getByRole('button', { name: 'Log out', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Log in with a passkey' })).toBeVisible()
}

const logIn = (page: Page) => page.getByRole('button', { name: 'Log in with a passkey' }).click()

test('a person adds a passkey, logs in with it, and removes it', async ({ context }) => {
  const { page, authenticator, complaints } = await visit(context)
  await register(page, 'anna')
  await addPasskey(page)
  const [credential] = await authenticator.credentials()
  expect(credential).toMatchObject({ isResidentCredential: true, rpId: 'localhost' })
  expect(Buffer.from(credential!.userHandle!, 'base64')).toHaveLength(32)

  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await expect(page.getByRole('alert')).toHaveText('There is a passkey for you here already.')

  await logOut(page)
  await logIn(page)
  await admitted(page)
  await page.goto(`${vds.url}/settings`)
  await expect(page.getByRole('region', { name: 'Account' }).getByText('anna')).toBeVisible()
  await expect(page.getByText(/last used/)).toBeVisible()

  await page.getByRole('button', { name: /^Remove the passkey/ }).click()
  await page.getByRole('button', { name: 'Remove passkey' }).click()
  await expect(page.getByRole('button', { name: /^Remove the passkey/ })).toHaveCount(0)
  await logOut(page)
  await logIn(page)
  await expect(page.getByRole('alert')).toContainText('This passkey was not accepted.')
  // Who one is, and where the PC's own door is: this VDS has neither, which Chromium notes.
  expect(complaints.filter((text) => !/40[14]/.test(text))).toEqual([])
})

test('who is not recognised gets a sentence and not in', async ({ context }) => {
  const { page, authenticator } = await visit(context)
  await register(page, 'boris')
  await addPasskey(page)
  await logOut(page)
  await authenticator.verifies(false)
  await logIn(page)
  await expect(page.getByRole('alert')).toContainText('No passkey was given.')
  await authenticator.verifies(true)
  await logIn(page)
  await admitted(page)
})

test('a copy of a passkey whose count runs behind is refused', async ({ context }) => {
  const { page, authenticator } = await visit(context)
  await register(page, 'clara')
  await addPasskey(page)
  for (let times = 0; times < 2; times++) {
    await logOut(page)
    await logIn(page)
    await admitted(page)
  }
  await logOut(page)
  await authenticator.count(1)
  await logIn(page)
  await expect(page.getByRole('alert')).toContainText('This passkey was not accepted.')
})

test('an answer to a challenge is of no use a second time', async ({ context }) => {
  const { page } = await visit(context)
  await register(page, 'dora')
  await addPasskey(page)
  await logOut(page)
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/session/passkey'))
  await logIn(page)
  await admitted(page)
  const body = (await sent).postData()
  const status = await page.evaluate(async (again) => {
    const challenge = await fetch('/api/session/passkey/challenge', { method: 'POST' })
    const response = await fetch('/api/session/passkey', { method: 'POST', body: again })
    return [challenge.status, response.status]
  }, body)
  expect(status).toEqual([200, 401])
})

test('without WebAuthn, or at an address that is a number, nothing is offered', async ({
  browser,
}) => {
  const context = await browser.newContext()
  await context.addInitScript(() => Reflect.deleteProperty(window, 'PublicKeyCredential'))
  const without = await context.newPage()
  await register(without, 'erik')
  await without.goto(`${vds.url}/settings`)
  await expect(without.getByRole('button', { name: 'Log out', exact: true })).toBeVisible()
  await expect(without.getByText('Passkeys')).toHaveCount(0)
  const numbered = await (await browser.newContext()).newPage()
  for (const [page, url] of [
    [without, vds.url],
    [numbered, vds.url.replace('localhost', '127.0.0.1')],
  ] as const) {
    await page.context().clearCookies()
    await page.evaluate(() => localStorage.clear()).catch(() => undefined)
    await page.goto(`${url}/login`)
    await expect(page.getByRole('button', { name: 'Log in', exact: true })).toBeVisible()
    await expect(page.getByRole('button', { name: 'Log in with a passkey' })).toHaveCount(0)
  }
})
