import type { VueWrapper } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { useChats } from '../stores/chats'
import AppFrame from './AppFrame.vue'

let outside: TestServices
let frame: VueWrapper

beforeEach(async () => {
  document.body.replaceChildren()
  outside = new TestServices()
  await outside.begin('frame')
  frame = show(AppFrame)
  await until(() => frame.find('#search').exists())
  return () => frame.unmount()
})

function press(more: KeyboardEventInit): boolean {
  const event = new KeyboardEvent('keydown', { code: 'KeyK', cancelable: true, ...more })
  document.dispatchEvent(event)
  return event.defaultPrevented
}

for (const keys of [{ ctrlKey: true, key: 'k' }, { metaKey: true, key: 'k' }, { ctrlKey: true, key: 'л' }]) {
  it(`leads to the search with ${JSON.stringify(keys)}`, async () => {
    expect(press(keys)).toBe(true)
    await until(() => document.activeElement?.id === 'search')
  })
}

it('leaves other keys alone', () => {
  expect([press({}), press({ ctrlKey: true, shiftKey: true }), press({ ctrlKey: true, code: 'KeyJ' })]).toEqual(
    [false, false, false],
  )
})

it('says that this device has no room, until it is waved away', async () => {
  expect(frame.text()).not.toContain('no room left')
  useChats().full = true
  await until(() => frame.text().includes('This device has no room left.'))
  await frame.get('[aria-label="Dismiss"]').trigger('click')
  expect(frame.text()).not.toContain('no room left')
})
