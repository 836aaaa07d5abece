import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import ModalDialog from './ModalDialog.vue'

function dialog() {
  return show(ModalDialog, { heading: 'Rename' }).get('dialog')
}

it('is left by a press beside it', async () => {
  const there = dialog()
  await there.trigger('pointerdown')
  await there.trigger('click')
  expect(there.element.open).toBe(false)
})

it('stays where a press began in it and ended beside it', async () => {
  const there = dialog()
  await there.get('h2').trigger('pointerdown')
  await there.trigger('click')
  expect(there.element.open).toBe(true)
})
