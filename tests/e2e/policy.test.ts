/** The pages' policy, as a real browser enforces it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, type Page, test } from '@playwright/test'
import { admitted, Introducer } from './introducer.ts'

let vds: Introducer

test.beforeAll(async () => {
  vds = await Introducer.start()
})
test.afterAll(async () => {
  await vds.dispose()
})

/** Collects every breach of the policy, from the page's first moment. */
async function breachesOf(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const breaches: string[] = []
    Object.assign(window, { breaches })
    document.addEventListener('securitypolicyviolation', (event) => {
      breaches.push(`${event.effectiveDirective} ${event.sample}`)
    })
  })
  return () => page.evaluate(() => (window as unknown as { breaches: string[] }).breaches)
}

test('the app lives within trusted types, its service worker included', async ({ page }) => {
  const breaches = await breachesOf(page)
  await page.goto(`${vds.url}/register`)
  await page.getByRole('textbox', { name: 'Username' }).fill('anna')
  await page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await page.getByRole('button', { name: 'Create account' }).click()
  await admitted(page)
  const scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope)
  expect(scope).toBe(`${vds.url}/`)
  expect(await breaches()).toEqual([])
  for (const route of ['/settings', '/', '/chat/none']) {
    await page.goto(vds.url + route)
    await expect(page.locator('main')).toBeVisible()
    expect(await breaches(), route).toEqual([])
  }
})

const injections: Record<string, () => unknown> = {
  'HTML from a string': () => (document.body.innerHTML = '<img src=x>'),
  'a script from a string': () => (document.createElement('script').text = 'alert(1)'),
  'another script by its address': () =>
    (document.createElement('script').src = 'https://evil.example/x.js'),
  'another service worker': () => navigator.serviceWorker.register('/other.js'),
  // In a task of its own, since the policy does not hold for what a test evaluates directly.
  'code from a string': () =>
    new Promise<void>((done, failed) => {
      setTimeout(() => {
        try {
          done((0, eval)('1 + 1') as undefined)
        } catch (error) {
          failed(error as Error)
        }
      })
    }),
  'a policy of its own': () =>
    (window as never as { trustedTypes: { createPolicy(n: string, r: object): unknown } })
      .trustedTypes.createPolicy('evil', { createHTML: (text: string) => text }),
}

for (const [what, inject] of Object.entries(injections)) {
  test(`a page refuses ${what}`, async ({ page }) => {
    await page.goto(`${vds.url}/login`)
    const failure = await page.evaluate(inject).then(
      () => null,
      (error: Error) => error.message,
    )
    expect(failure).toMatch(/TypeError|EvalError/)
  })
}

test('no other site may put the app into a frame', async ({ page }) => {
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<iframe src="${vds.url}/login"></iframe>`)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    const refusal = page.waitForEvent('console', (line) => line.text().includes('frame-ancestors'))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await refusal
    await expect(page.frameLocator('iframe').locator('input')).toHaveCount(0)
  } finally {
    server.close()
  }
})

test('another site neither changes anything nor opens a socket', async ({ page }) => {
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<p>elsewhere</p>')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}`)
    const socket = await page.evaluate(async (url) => {
      const body = JSON.stringify({ username: 'eve', password: 'a long enough password' })
      const sent = { method: 'POST', mode: 'no-cors', credentials: 'include', body } as const
      for (const path of ['/api/accounts', '/api/session', '/api/session/passkey/challenge'])
        await fetch(url + path, sent).catch(() => undefined)
      return new Promise((done) => {
        const opened = new WebSocket(`${url.replace('http', 'ws')}/api/signaling`)
        opened.onopen = () => done('open')
        opened.onerror = () => done('refused')
      })
    }, vds.url)
    expect(socket).toBe('refused')
    expect(await page.context().cookies()).toEqual([])
    const taken = await page.request.post(`${vds.url}/api/accounts`, {
      headers: { origin: vds.url },
      data: { username: 'eve', password: 'a long enough password' },
    })
    expect(taken.status()).toBe(201) // so the other site made no such account
  } finally {
    server.close()
  }
})
