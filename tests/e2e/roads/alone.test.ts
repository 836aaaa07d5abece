/** A PC with no network at all: it has the whole Hearth, and the person at it has no account. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { Hearth } from '../hearth.ts'
import { Person } from '../person.ts'
import { Region } from './hosts.ts'
import { Phone } from './phone.ts'
import { run } from './places.ts'
import { truthOf } from './truth.ts'

test('on a PC with nothing but its loopback, somebody goes on without an account and chats', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-alone-'))
  const region = Region.open(run())
  const pc = region.host('alone')
  let hearth: Hearth | undefined
  try {
    hearth = await Hearth.start({ port: 8080, on: (words) => pc.command(words) })
    expect(pc.run('ip', '-br', 'link')).toMatch(/^lo +\S+ +\S+ +<[^>]+>\s*$/)
    const browser = new Phone(pc, join(folder, 'browser'))
    const context = await browser.open()
    const person = await Person.arrive(context, hearth)
    await person.page.goto(hearth.url)
    await person.page.getByRole('button', { name: /continue on this PC/i }).click()
    await person.connected()
    const truth = () => truthOf(person.page, () => false)
    expect(await truth()).toMatchObject({ road: 'local', protocol: 'ws' })

    await person.ask('What is the capital of France?')
    const answer = await person.answer()
    expect(answer).toContain('Paris')

    await person.page.reload()
    await person.connected()
    await expect(person.page.getByRole('article', { name: 'You' })).toContainText('capital')
    await expect(person.answers.last()).toHaveText(answer, { useInnerText: true })
    expect((await truth())?.road).toBe('local')
    await browser.close()
  } finally {
    await hearth?.dispose()
    region.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})
