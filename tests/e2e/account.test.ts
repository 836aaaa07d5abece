/** What a person does to their own account, in two real browsers at once. */
import AxeBuilder from '@axe-core/playwright'
import { type Browser, expect, type Page, test } from '@playwright/test'
import { admitted, Introducer } from './introducer.ts'

let vds: Introducer
const password = 'a long enough password'

test.beforeAll(async () => {
  vds = await Introducer.start()
})
test.afterAll(async () => {
  await vds.dispose()
})

async function register(browser: Browser, name: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${vds.url}/register`)
  await page.getByRole('textbox', { name: 'Username' }).fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await admitted(page)
  return page
}

async function tryToLogIn(page: Page, name: string, secret: string): Promise<void> {
  await page.goto(`${vds.url}/login`)
  await page.getByRole('textbox', { name: 'Username' }).fill(name)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

async function elsewhere(browser: Browser, name: string, secret = password): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await tryToLogIn(page, name, secret)
  return page
}

/** Has the page hold a socket to the VDS, as it does while it looks for a PC. */
async function staysInTouch(page: Page): Promise<void> {
  const inTouch = page
    .waitForEvent('websocket')
    .then((socket) => socket.waitForEvent('framereceived'))
  await page.getByRole('button', { name: 'Compare codes' }).click()
  await inTouch
}

const loggedOut = (page: Page) =>
  expect(page.getByRole('button', { name: 'Log in', exact: true })).toBeVisible()

test('a session ended in the settings is over in the other browser at once', async ({ browser }) => {
  const here = await register(browser, 'anna')
  const there = await elsewhere(browser, 'anna')
  await staysInTouch(there)
  await here.goto(`${vds.url}/settings`)
  const sessions = here.getByRole('region', { name: 'Where you are logged in' })
  await expect(sessions.getByRole('listitem')).toHaveCount(2)
  await expect(sessions.getByText('this browser')).toBeVisible()
  const { violations } = await new AxeBuilder({ page: here }).analyze()
  expect(violations).toEqual([])
  await sessions.getByRole('button', { name: /^Log out Chrom/ }).click()
  await expect(sessions.getByRole('listitem')).toHaveCount(1)
  await loggedOut(there)
})

test('a new password ends the other sessions, and the old one opens nothing', async ({
  browser,
}) => {
  const here = await register(browser, 'boris')
  const there = await elsewhere(browser, 'boris')
  await staysInTouch(there)
  await here.goto(`${vds.url}/settings`)
  await here.getByRole('button', { name: 'Change the password' }).click()
  const dialog = here.getByRole('dialog')
  await dialog.getByLabel('Current password').fill('not my password')
  await dialog.getByLabel('New password').fill('another good password')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByRole('alert')).toHaveText('The password is wrong.')
  const { violations } = await new AxeBuilder({ page: here }).include('dialog').analyze()
  expect(violations).toEqual([])
  await dialog.getByLabel('Current password').fill(password)
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(here.getByText('The password has been changed.')).toBeVisible()
  await loggedOut(there)
  await tryToLogIn(there, 'boris', password)
  await expect(there.getByRole('alert')).toHaveText('The username or the password is wrong.')
  await tryToLogIn(there, 'boris', 'another good password')
  await admitted(there)
  await there.goto(`${vds.url}/settings`)
  // On top of the page, and in the list that stays.
  await expect(there.getByText(/^The password was changed/)).toHaveCount(2)
  await expect(there.getByText(/^2 wrong passwords since/)).toHaveCount(2)
  await there.getByRole('button', { name: 'Dismiss' }).click()
  await there.reload()
  await expect(there.getByText(/^The password was changed/)).toBeVisible()
  await expect(there.getByRole('button', { name: 'Dismiss' })).toHaveCount(0)
})

test('a deleted account is gone everywhere, and its name is free', async ({ browser }) => {
  const here = await register(browser, 'clara')
  const there = await elsewhere(browser, 'clara')
  await staysInTouch(there)
  await here.goto(`${vds.url}/settings`)
  await here.getByRole('button', { name: 'Delete the account' }).click()
  const dialog = here.getByRole('dialog')
  await expect(dialog.getByText(/Your chats live on your PC and stay there/)).toBeVisible()
  await dialog.getByLabel('Current password').fill(password)
  await dialog.getByRole('button', { name: 'Delete account' }).click()
  await loggedOut(here)
  await loggedOut(there)
  await tryToLogIn(there, 'clara', password)
  await expect(there.getByRole('alert')).toHaveText('The username or the password is wrong.')
  await register(browser, 'clara')
})
