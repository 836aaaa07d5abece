import { expect, it } from 'vitest'
import { onWake } from './wake'

function page(visibilityState: DocumentVisibilityState): Document {
  return Object.assign(new EventTarget(), { visibilityState }) as unknown as Document
}

it('wakes by the network, by a page that is shown, and by one that came back or was frozen', () => {
  let woken = 0
  const window = new EventTarget() as Window
  const document = page('visible')
  const network = new EventTarget()
  const end = onWake({ window, document, network }, () => woken++)
  window.dispatchEvent(new Event('online'))
  window.dispatchEvent(new Event('pageshow'))
  document.dispatchEvent(new Event('visibilitychange'))
  document.dispatchEvent(new Event('resume'))
  network.dispatchEvent(new Event('change'))
  expect(woken).toBe(5)
  end()
  window.dispatchEvent(new Event('online'))
  document.dispatchEvent(new Event('resume'))
  network.dispatchEvent(new Event('change'))
  expect(woken).toBe(5)
})

it('does not wake when the page is put away', () => {
  let woken = 0
  const hidden = page('hidden')
  onWake({ window: new EventTarget() as Window, document: hidden }, () => woken++)
  hidden.dispatchEvent(new Event('visibilitychange'))
  expect(woken).toBe(0)
})
