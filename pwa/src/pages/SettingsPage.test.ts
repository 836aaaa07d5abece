import { flushPromises } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { button } from '../../tests/support/page'
import { TestServices } from '../../tests/support/services'
import { strand } from '../../tests/support/strand'
import { useChats } from '../stores/chats'
import { useRelease } from '../stores/release'
import SettingsPage from './SettingsPage.vue'

/** The facts of the page, name by name. */
async function facts(tell: (outside: TestServices) => void): Promise<Record<string, string>> {
  const outside = new TestServices()
  useRelease().start()
  const page = show(SettingsPage)
  tell(outside)
  await flushPromises()
  const shown = page.findAll('.fact').map((fact) => [fact.get('dt').text(), fact.get('dd').text()])
  page.unmount()
  return Object.fromEntries(shown) as Record<string, string>
}

it('shows the key that signs the app, and the last update that was refused', async () => {
  const refusal = { reason: 'changed_file', subject: 'start.js', at: Date.UTC(2026, 4, 5, 12) } as const
  const shown = await facts((outside) =>
    outside.release.status({
      version: '1.2.3',
      fingerprint: 'aaaa bbbb',
      ready: null,
      refusal,
      isRefused: false,
    }),
  )
  expect(shown['Signed by the key']).toBe('aaaa bbbb')
  expect(shown['Last refused update']).toMatch(/2026.*the file start\.js is not the one/)
})

it('says that nothing was checked where there is no service worker', async () => {
  const shown = await facts((outside) => outside.release.status(null))
  expect(shown['Signed by the key']).toBe('Not checked')
  expect(shown).not.toHaveProperty('Last refused update')
})

describe('who logs out', () => {
  async function page(said: string[], before: (outside: TestServices) => Promise<void> = () => Promise.resolve()) {
    const outside = new TestServices()
    let outs = 0
    outside.logOut = () => Promise.resolve(void outs++)
    await outside.begin()
    await before(outside)
    const shown = show(SettingsPage)
    for (const text of said) useChats().send(null, text)
    await flushPromises()
    await button(shown, 'Log out').trigger('click')
    await flushPromises()
    return { shown, outs: () => outs }
  }

  it('is out at once, where all is on the PC', async () => {
    const { shown, outs } = await page([])
    expect(outs()).toBe(1)
    shown.unmount()
  })

  it('is asked first, where only this device has what the PC lost', async () => {
    const { shown, outs } = await page([], strand)
    expect(outs()).toBe(0)
    expect(shown.get('dialog').text()).toContain('1 chat on this device has more than your PC has now')
    shown.unmount()
  })

  it('is asked first, where something would be lost', async () => {
    const { shown, outs } = await page(['Rain?', 'Snow?'])
    expect(outs()).toBe(0)
    const dialog = shown.get('dialog')
    expect(dialog.text()).toContain('2 messages or changes have not reached your PC yet and would be lost.')
    await dialog.findAll('button')[1]!.trigger('click')
    expect(outs()).toBe(1)
    shown.unmount()
  })
})
