import { execFileSync } from 'node:child_process'
import { expect, type Page, test } from '@playwright/test'
import { freePort, Hearth } from './hearth.ts'
import { HostileVds, type Mode, python, ROOT } from './hostile-vds.ts'
import { Person } from './person.ts'
import { holdVds, introduced, isElsewhere, onThisPc, withoutLan } from './road.ts'
import { words } from './words.ts'

test.describe('a hostile VDS', () => {
  let hearth: Hearth
  let port: number
  let vds: HostileVds

  test.beforeEach(async () => {
    port = await freePort()
    const upstream = await freePort()
    const url = `http://localhost:${port}`
    vds = await HostileVds.start(port, upstream, 'honest')
    // The home goes to the real one, and so need not come back when the other changes.
    hearth = await Hearth.start({ port: upstream, settings: { HEARTH_ORIGIN: url, ...withoutLan } })
  })
  test.afterEach(async () => {
    await hearth.dispose()
    await vds.stop()
  })

  async function becomes(mode: Mode): Promise<void> {
    await vds.stop()
    vds = await HostileVds.start(port, hearth.port, mode)
  }

  for (const mode of ['swap', 'own-home'] as const) {
    test(`that is in the middle by ${mode} hears nothing, and the app stops`, async ({ context }) => {
      const person = await Person.arrive(await isElsewhere(context), hearth, vds.url)
      await person.register('anna')
      await introduced(person)
      await person.ask('Name a quokka that lives in Zanzibar.')
      await person.answer()
      expect(vds.heard, 'an honest VDS is in no middle').toEqual([])
      const served = sessionsIn(hearth)

      await becomes(mode)
      await person.page.reload()
      const alert = person.page.getByRole('alert')
      await expect(alert).toContainText(words.attack.heading)
      await expect(alert).toContainText(words.attack.what)
      // No way to go on, and nobody to talk to.
      await expect(person.composer).toHaveCount(0)
      await expect(person.page.getByRole('button')).toHaveCount(0)
      // It was in the middle, and got the device's id and a commitment.
      expect(vds.fromDevice).toEqual(['introduce'])
      expect(vds.chat).toEqual([])
      expect(sessionsIn(hearth)).toBe(served)

      // Nothing was lost, and nothing but a new visit goes on.
      await becomes('honest')
      await person.page.reload()
      await introduced(person)
      await expect(person.answers.last()).toBeVisible()
    })
  }

  test('on the PC itself is in no middle, whatever it does', async ({ context }) => {
    const person = await Person.arrive(context, hearth, vds.url)
    await person.register('anna')
    await becomes('swap')
    const release = await holdVds(context)
    await person.page.reload()
    await onThisPc(person)
    release()
    await person.ask('Say hello.')
    await person.answer()
    expect(vds.chat).toEqual([])
    await expect(person.page.getByRole('alert')).toHaveCount(0)
  })

  test('that changes the fingerprint gets no connection at all', async ({ context }) => {
    const person = await Person.arrive(await isElsewhere(context), hearth, vds.url)
    await person.register('anna')
    await introduced(person)
    const served = sessionsIn(hearth)
    // So that nothing of the page as it was is taken for a try of the next.
    await person.page.goto('about:blank')
    await becomes('edit-fingerprint')
    const tried = heard(person.page, '"answer"')
    await person.page.goto(vds.url)
    await tried
    await expect(person.badge).not.toContainText('Connected')
    expect(vds.heard).toEqual([])
    expect(sessionsIn(hearth)).toBe(served)
  })

  test('that mints a token for another browser gives it nothing but the pairing page', async ({ browser, context }) => {
    // One road alone, so that she takes no better one while the home's sessions are counted.
    const anna = await Person.arrive(await isElsewhere(context), hearth, vds.url)
    await anna.register('anna')
    await introduced(anna)
    await anna.ask('Name a quokka that lives in Zanzibar.')
    await anna.answer()
    const served = sessionsIn(hearth)

    // Whoever holds the VDS has its key, and makes tokens for anybody.
    // Without a service worker, whose requests the test could not answer.
    const elsewhere = await isElsewhere(await browser.newContext({ serviceWorkers: 'block' }))
    const stranger = await Person.arrive(elsewhere, hearth, vds.url)
    const minted = mint(hearth, vds.url, 'anna')
    await stranger.page.route('**/api/session/refresh', (route) => route.fulfill({ body: minted }))
    const admitted = heard(stranger.page, '"authenticated"')
    await stranger.page.goto(vds.url)
    await expect(stranger.page).toHaveURL(`${vds.url}/pair`)
    await expect(stranger.page.getByRole('heading', { name: words.pair.heading })).toBeVisible()
    await expect(stranger.page.getByText('quokka')).toHaveCount(0)
    // The token is good at the VDS, which lets it call the PC; the PC lets nobody in by it.
    await stranger.type('AAAA-BBBB-CCCC-DDDD')
    await admitted
    await expect(stranger.page.getByRole('alert')).toContainText(words.error.pairing_used!)
    await expect(stranger.page).toHaveURL(`${vds.url}/pair`)
    await expect(stranger.composer).toHaveCount(0)
    expect(sessionsIn(hearth)).toBe(served)
    await elsewhere.close()
  })
})

/** Once the VDS has said this over whichever socket of the page. */
function heard(page: Page, word: string): Promise<void> {
  return new Promise((resolve) => {
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        if (payload.includes(word)) resolve()
      })
    })
  })
}

/** How many chat sessions the home has opened, by its log. */
function sessionsIn(hearth: Hearth): number {
  return hearth.logs().split('device_connected').length - 1
}

/** The answer to a browser that asks for a token, as a VDS gives it that does not ask who it is. */
function mint(hearth: Hearth, origin: string, name: string): string {
  const words = ['--data', hearth.data, '--origin', origin, '--name', name]
  return execFileSync(python, ['-m', 'tests.hostile.mint', ...words], { cwd: ROOT, encoding: 'utf8' })
}
