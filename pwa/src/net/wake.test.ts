import { expect, it } from 'vitest'
import { onWake } from './wake'

it('wakes by the network, by a page that is shown, and by one that came back', () => {
  let woken = 0
  const end = onWake({ window, document }, () => woken++)
  window.dispatchEvent(new Event('online'))
  window.dispatchEvent(new Event('pageshow'))
  document.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(3)
  end()
  window.dispatchEvent(new Event('online'))
  expect(woken).toBe(3)
})

it('does not wake when the page is put away', () => {
  let woken = 0
  const hidden = Object.assign(new EventTarget(), { visibilityState: 'hidden' as const })
  onWake({ window, document: hidden as unknown as Document }, () => woken++)
  hidden.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(0)
})
