import { expect, it } from 'vitest'
import { onWake } from './wake'

function page(visibilityState: DocumentVisibilityState): Document {
  return Object.assign(new EventTarget(), { visibilityState }) as unknown as Document
}

it('wakes by the network, by a page that is shown, and by one that came back', () => {
  let woken = 0
  const window = new EventTarget() as Window
  const document = page('visible')
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
  const hidden = page('hidden')
  onWake({ window: new EventTarget() as Window, document: hidden }, () => woken++)
  hidden.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(0)
})
