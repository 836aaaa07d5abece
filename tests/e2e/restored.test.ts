/** The PC goes back to a backup: what a browser has from after it is told, and can be brought back. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, expect, test } from '@playwright/test'
import { MortalHearth } from './mortal.ts'
import { Person } from './person.ts'

/** A copy of what the PC keeps, and the way back to it while the PC is not running. */
interface Backup {
  keep(hearth: MortalHearth, folder: string): Promise<void>
  putBack(hearth: MortalHearth, folder: string): Promise<void>
}

const byCommand: Backup = {
  keep: async (hearth, folder) => void hearth.command('backup', join(folder, 'kept.zip')),
  async putBack(hearth, folder) {
    hearth.command('restore', join(folder, 'kept.zip'), '--replace')
  },
}

/** As somebody does who knows of no command. */
const byHand: Backup = {
  async keep(hearth, folder) {
    await hearth.kill()
    await cp(join(hearth.data, 'gpu_peer'), join(folder, 'kept'), { recursive: true })
    await hearth.revive()
  },
  async putBack(hearth, folder) {
    await rm(join(hearth.data, 'gpu_peer'), { recursive: true })
    await cp(join(folder, 'kept'), join(hearth.data, 'gpu_peer'), { recursive: true })
  },
}

for (const [how, backup] of [['by the command', byCommand], ['by hand', byHand]] as const) {
  test(`what was said since the backup, put back ${how}, comes back from a browser that has it`, async ({
    browser,
  }) => {
    await goesBackAndForth(await browser.newContext(), backup)
  })
}

async function goesBackAndForth(context: BrowserContext, backup: Backup): Promise<void> {
  const hearth = await MortalHearth.start()
  const folder = await mkdtemp(join(tmpdir(), 'hearth-backup-'))
  try {
    const anna = await Person.arrive(context, hearth)
    const { page } = anna
    const said = page.getByRole('article', { name: 'You' })
    const bar = page.getByText('Your PC was restored from an older backup.')
    await anna.register('anna')
    await anna.ask('Count to 2. In the backup')
    await anna.answer()
    await backup.keep(hearth, folder)
    await anna.connected()
    await anna.ask('Count to 3. Later in the same chat')
    await anna.answer()
    const first = page.url()
    await page.getByRole('button', { name: 'New chat' }).click()
    await expect(said).toHaveCount(0)
    await anna.ask('Count to 4. In a chat that the backup lacks')
    await anna.answer()
    const second = page.url()
    await hearth.kill()
    await anna.composer.fill('Count to 5. While the PC was away')
    await anna.composer.press('Enter')
    await expect(said).toHaveCount(2)

    await backup.putBack(hearth, folder)
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

    // What waited was for a chat that the PC did not have then, and now has again.
    await page.goto(second)
    await page.getByRole('button', { name: 'Send again' }).click()
    await expect(anna.answers).toHaveCount(2)
    await anna.answer()
    await expect(page).toHaveURL(second)
    await expect(said).toHaveCount(2)
  } finally {
    await hearth.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}
