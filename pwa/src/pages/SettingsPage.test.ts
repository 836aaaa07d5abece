import { flushPromises } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
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
