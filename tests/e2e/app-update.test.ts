/** Who may change the app, in a real browser with a server that turns hostile. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { AppServer } from './app-server.ts'

const known = 'Your own AI at home, reachable from anywhere.'
const refused = 'An update was refused:'

let app: AppServer

test.beforeEach(async ({ page }) => {
  app = await AppServer.open()
  await page.goto(app.url)
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  expect(await shown(page)).toBe(known)
})

test.afterEach(() => app.dispose())

/** Which index.html the page came from. */
function shown(page: Page): Promise<string | null> {
  return page.locator('meta[name=description]').getAttribute('content')
}

/** Whether a newer service worker waits; looks for one first, since browsers take their time. */
function isWaiting(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration()
    await registration?.update()
    return !!registration?.waiting
  })
}

test('an update by the pinned key is offered, and taken when the person says so', async ({ page }) => {
  await app.replace(app.built, 'index.html', known, 'the second')
  await app.sign()
  await page.reload()
  await expect(page.getByText('A new version is ready.')).toBeVisible()
  expect(await shown(page)).toBe(known)
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.locator('meta[name=description]')).toHaveAttribute('content', 'the second')
  await app.close()
  await page.reload()
  expect(await shown(page)).toBe('the second')
})

test('an update by another key is refused, and said', async ({ page }) => {
  await app.replace(app.built, 'index.html', known, 'the second')
  await app.sign('another')
  await page.reload()
  await expect(page.getByText(`${refused} it is not signed by`)).toBeVisible()
  await page.goto(`${app.url}/register`)
  await expect(page.getByText(refused)).toBeVisible()
  expect(await shown(page)).toBe(known)
})

test('a file that was changed after it was signed is refused, by name', async ({ page }) => {
  await app.replace(app.built, 'index.html', known, 'the second')
  await app.sign()
  await app.replace(app.served, 'index.html', 'the second', 'the evil')
  await page.reload()
  await expect(page.getByText(`${refused} the file index.html`)).toBeVisible()
  await page.reload()
  expect(await shown(page)).toBe(known)
})

test('an app without a signature is refused in Russian too', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'ru-RU' })
  const page = await context.newPage()
  await page.goto(app.url)
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await writeFile(join(app.served, 'release.json'), '{}')
  await page.reload()
  await expect(page.getByText('Обновление отклонено:')).toBeVisible()
  await context.close()
})

test('what the server adds is neither run nor opened', async ({ page }) => {
  await writeFile(join(app.served, 'extra.js'), 'globalThis.evil = true')
  await writeFile(join(app.served, 'extra.html'), '<title>evil</title>')
  await page.goto(`${app.url}/extra.html`)
  await expect(page).toHaveTitle(/Hearth/)
  expect(await page.evaluate(() => fetch('/extra.js').then((r) => r.status))).toBe(200)
  const outcome = await page.evaluate(async () => {
    const worker = await import('/extra.js' as string).then(() => 'run', () => 'refused')
    return { worker, evil: 'evil' in globalThis }
  })
  expect(outcome).toEqual({ worker: 'refused', evil: false })
})

test('a new service worker that was signed takes over with its release', async ({ page }) => {
  const worker = await readFile(join(app.built, 'sw.js'), 'utf8')
  await writeFile(join(app.built, 'sw.js'), `${worker}\nself.isSecond = true\n`)
  await app.replace(app.built, 'index.html', known, 'the second')
  await app.sign()
  await page.reload()
  await expect(page.getByText('A new version is ready.')).toBeVisible()
  await expect.poll(() => isWaiting(page)).toBe(true)
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.locator('meta[name=description]')).toHaveAttribute('content', 'the second')
  expect(await isWaiting(page)).toBe(false)
  await expect(page.getByText(refused)).toBeHidden()
})

test('a hostile service worker that hides behind another refusal is said as well', async ({ page }) => {
  await writeFile(join(app.served, 'release.json'), '{}')
  await writeFile(join(app.served, 'sw.js'), 'addEventListener("fetch", () => undefined)')
  await page.reload()
  await expect(page.getByText(`${refused} its list of files cannot be read`)).toBeVisible()
  await expect(page.getByText('When you next open this app, it may be another.')).toBeVisible()
})

test('an honest worker of an unsigned release does not even install', async ({ page }) => {
  const worker = await readFile(join(app.built, 'sw.js'), 'utf8')
  await writeFile(join(app.built, 'sw.js'), `${worker}\nself.isSecond = true\n`)
  await app.sign('another')
  await page.reload()
  await expect(page.getByText(`${refused} it is not signed by`)).toBeVisible()
  await expect(page.getByText('sign the app with the key that you used before')).toBeVisible()
  const became = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration()
    await registration?.update()
    const coming = registration?.installing ?? registration?.waiting
    if (coming?.state === 'installing') {
      await new Promise((done) => coming.addEventListener('statechange', done, { once: true }))
    }
    return coming?.state
  })
  expect(became).toBe('redundant')
})

test('a hostile service worker cannot be stopped, but the open page says what came', async ({ page }) => {
  const hostile = `
    addEventListener('install', () => skipWaiting())
    addEventListener('activate', (event) => event.waitUntil(clients.claim()))
    addEventListener('message', ({ ports }) => ports[0]?.postMessage({ type: 'release', status: null }))
    addEventListener('fetch', () => undefined)`
  await writeFile(join(app.served, 'sw.js'), hostile)
  await page.reload()
  await expect(page.getByText('The server sends a service worker that is not the signed one.')).toBeVisible()
  await expect(page.getByText('Close it, and use Hearth on the PC itself')).toBeVisible()
  expect(await shown(page)).toBe(known)
})
