import { beforeEach, expect, it } from 'vitest'
import { flushPromises } from '@vue/test-utils'
import { chat } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { button } from '../../tests/support/page'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { useChatDialog } from '../stores/chatDialog'
import { useNotices } from '../stores/notices'
import ChatMenu from './ChatMenu.vue'

const summary = { id: chat, title: 'Rain', folder: null, changedMs: 0, unsent: false }

beforeEach(async () => {
  HTMLElement.prototype.showPopover = () => undefined
  HTMLElement.prototype.hidePopover = () => undefined
  await new TestServices().begin('menu')
})

async function choose(name: string) {
  const menu = show(ChatMenu, { chat: summary })
  await menu.get('[aria-haspopup="menu"]').trigger('click')
  await button(menu, name).trigger('click')
  await flushPromises()
  return menu
}

it('asks in a dialog that stays when its row goes', async () => {
  const menu = await choose('Rename')
  const dialog = useChatDialog()
  expect(dialog.asked).toMatchObject({ chat: summary, what: 'rename' })
  menu.unmount()
  expect(dialog.asked).not.toBeNull()
  dialog.done()
  expect(dialog.asked).toBeNull()
})

it('has the focus again when the dialog is done', async () => {
  const menu = await choose('Delete')
  useChatDialog().done()
  expect(document.activeElement).toBe(menu.get('[aria-haspopup="menu"]').element)
})

it('says that a chat cannot be saved that is not here yet', async () => {
  await choose('Save as Markdown')
  await until(() => useNotices().code === 'chat_elsewhere')
})
