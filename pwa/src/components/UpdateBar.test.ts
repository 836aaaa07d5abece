import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { Language } from '../i18n'
import type { Status } from '../release/status'
import { useRelease } from '../stores/release'
import UpdateBar from './UpdateBar.vue'

const status: Status = {
  version: '1.2.3',
  fingerprint: 'aaaa bbbb',
  ready: null,
  refusal: null,
  isRefused: false,
}
const refusal = { reason: 'other_key', subject: 'ffff', at: 0 } as const

let outside: TestServices

beforeEach(() => {
  outside = new TestServices()
  useRelease().start()
})

async function bar(heard: Partial<Status> = {}, language: Language = 'en'): Promise<VueWrapper> {
  const shown = show(UpdateBar, {}, language)
  outside.release.status({ ...status, ...heard })
  await flushPromises()
  return shown
}

it('is silent while there is nothing to say', async () => {
  expect((await bar({ refusal })).text()).toBe('')
})

it('offers a release that is ready, and takes it when told to', async () => {
  const shown = await bar({ ready: '1.2.4' })
  await shown.get('button').trigger('click')
  expect(outside.applied).toBe(1)
})

it('says what was refused, by which key it is not signed, and what to do', async () => {
  const text = (await bar({ refusal, isRefused: true })).text()
  expect(text).toContain('An update was refused: it is not signed by aaaa bbbb, but by another key.')
  expect(text).toContain('You go on with version 1.2.3')
  expect(text).toContain('do not remove the app')
})

it('says it in Russian', async () => {
  const text = (await bar({ refusal, isRefused: true }, 'ru')).text()
  expect(text).toContain('Обновление отклонено: оно подписано не ключом aaaa bbbb, а другим.')
})

it('offers nothing while something is refused', async () => {
  const shown = await bar({ refusal, isRefused: true, ready: '1.2.4' })
  expect(shown.find('button').exists()).toBe(false)
})

it('warns of a service worker that took over unasked, whatever that one says', async () => {
  const shown = await bar()
  outside.release.replaced()
  outside.release.status(null)
  await flushPromises()
  expect(shown.text()).toContain('When you next open this app, it may be another.')
})
