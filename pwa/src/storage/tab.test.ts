import { beforeEach, expect, it } from 'vitest'
import { tabStorage } from './tab'

const homeId = 'ab'.repeat(16)
const secret = '7ZRA0W4K7ZRA0W4K'
const tab = tabStorage(() => sessionStorage)

beforeEach(() => {
  sessionStorage.clear()
})

it('keeps an invitation as it was, until it is thrown away', () => {
  for (const kept of [
    { secret, homeId, automatic: true },
    { secret, homeId: null, automatic: false },
  ]) {
    tab.keepInvitation(kept)
    expect(tabStorage(() => sessionStorage).invitation()).toEqual(kept)
  }
  tab.keepInvitation(null)
  expect(tab.invitation()).toBeNull()
  expect(sessionStorage).toHaveLength(0)
})

it('takes for an invitation nothing that is none', () => {
  sessionStorage.setItem('hearth.invitation', '!#nonsense')
  expect(tab.invitation()).toBeNull()
})

it('keeps where the tab has been', () => {
  expect(tab.trip()).toBeNull()
  expect(tab.keepTrip('away')).toBe(true)
  expect(tab.trip()).toBe('away')
})

it('says that it keeps nothing where the browser does not let it', () => {
  const refused = tabStorage(() => {
    throw new DOMException('', 'SecurityError')
  })
  refused.keepInvitation({ secret, homeId, automatic: false })
  expect(refused.invitation()).toBeNull()
  expect(refused.keepTrip('away')).toBe(false)
})
