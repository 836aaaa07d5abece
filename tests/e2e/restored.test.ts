/** The PC goes back to a backup: what a browser has from after it is told, and can be brought back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { MortalHearth } from './mortal.ts'
import { Person } from './person.ts'

test('what was said since the backup comes back from a browser that has it', async ({ browser }) => {
  const hearth = await MortalHearth.start()
  const folder = await mkdtemp(join(tmpdir(), 'hearth-backup-'))
  try {
    const file = join(folder, 'kept.zip')
    const anna = await Person.arrive(await browser.newContext(), hearth)
    const { page } = anna
    const said = page.getByRole('article', { name: 'You' })
    const bar = page.getByText('Your PC was restored from an older backup.')
    await anna.register('anna')
    await anna.ask('Count to 2. In the backup')
    await anna.answer()
    hearth.command('backup', file)
    await anna.ask('Count to 3. Later in the same chat')
    await anna.answer()
    const first = page.url()
    await page.getByRole('button', { name: 'New chat' }).click()
    await expect(said).toHaveCount(0)
    await anna.ask('Count to 4. In a chat that the backup lacks')
    await anna.answer()

    await hearth.kill()
    hearth.command('restore', file, '--replace')
    await hearth.revive()
    await expect(bar).toContainText('2 chats on this device have more')
    await page.goto(first)
    await expect(said).toHaveCount(1)
    await expect(bar).toBeVisible()

    await page.getByRole('button', { name: 'Bring it back…' }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText('2 chats go on here')
    await dialog.getByRole('button', { name: 'Bring it back' }).click()
    await expect(dialog).toContainText('Done: 2 new messages')
    await dialog.getByRole('button', { name: 'Close' }).click()
    await expect(said).toHaveCount(2)
    await expect(bar).toBeHidden()

    const log = hearth.log()
    const texts = (type: string) => log.flatMap((one) => (one.type === type ? [one.text!.trim()] : []))
    expect(texts('message_written').map((text) => text.slice(0, 10))).toEqual([
      'Count to 2',
      'Count to 3',
      'Count to 4',
    ])
    expect(texts('answer_ended')).toHaveLength(3)
    await page.reload()
    await anna.connected()
    await expect(said).toHaveCount(2)
    await expect(bar).toBeHidden()
  } finally {
    await hearth.dispose()
    await rm(folder, { recursive: true, force: true })
  }
})
