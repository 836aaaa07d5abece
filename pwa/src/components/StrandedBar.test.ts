import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { answer, chat, message } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { button } from '../../tests/support/page'
import { TestServices } from '../../tests/support/services'
import { have, restore, strand } from '../../tests/support/strand'
import { until } from '../../tests/support/until'
import { disconnected } from '../net/connection'
import { useChats } from '../stores/chats'
import StrandedBar from './StrandedBar.vue'

let outside: TestServices
let bar: VueWrapper

beforeEach(async () => {
  outside = new TestServices()
  await outside.begin()
  bar = show(StrandedBar)
  return () => bar.unmount()
})

const dialog = () => bar.get('dialog').text()
const isTold = () => bar.text().includes('Your PC was restored from an older backup.')

async function look(): Promise<void> {
  await button(bar, 'Bring it back…').trigger('click')
  await until(() => bar.find('dialog').exists() && dialog().includes('1 chat goes on here'))
}

function acknowledgeAll(): void {
  for (const one of outside.sent) {
    if ('id' in one) outside.say({ type: 'acknowledged', id: one.id, seq: 2 })
  }
}

describe('what the PC lost', () => {
  beforeEach(() => strand(outside))

  it('is told, until it is waved away', async () => {
    expect(bar.text()).toContain('1 chat on this device has more than your PC has now.')
    await button(bar, 'Dismiss').trigger('click')
    expect(isTold()).toBe(false)
    expect(useChats().stranded).toBe(1)
  })

  it('is brought back to the chat that it is of, and not told again', async () => {
    await look()
    await button(bar, 'Bring it back').trigger('click')
    const { chat: to, turns } = await outside.said('import_turns')
    expect(to).toBe(chat)
    expect(turns).toMatchObject([{ message, parent: chat, text: 'Hello?', answer: { answer, text: 'Yes.' } }])
    expect(outside.sent.some(({ type }) => type === 'create_chat')).toBe(false)
    acknowledgeAll()
    await until(() => dialog().includes('Done: 1 new message.'))
    await until(() => useChats().stranded === 0)
    await flushPromises()
    expect(isTold()).toBe(false)
    await button(bar, 'Close').trigger('click')
    expect(bar.find('dialog').exists()).toBe(false)
  })

  it('stays here, where the PC would not take it', async () => {
    await look()
    await button(bar, 'Bring it back').trigger('click')
    const { id: re } = await outside.said('import_turns')
    outside.say({ type: 'error', code: 'storage_failed', message: '', re })
    await until(() => dialog().includes('1 message was not taken. Your PC could not save this.'))
    await flushPromises()
    expect(useChats().stranded).toBe(1)
  })

  it('stays here until the PC has said that it has it, also where the connection ends meanwhile', async () => {
    await look()
    await button(bar, 'Bring it back').trigger('click')
    const { id: re } = await outside.said('import_turns')
    outside.standing(disconnected)
    await until(() => dialog().includes('Done'))
    outside.connect(4)
    outside.say({ type: 'error', code: 'storage_failed', message: '', re })
    await flushPromises()
    expect(useChats().stranded).toBe(1)
  })

  it('stays here where nobody looked when the PC would not take it', async () => {
    await look()
    await button(bar, 'Bring it back').trigger('click')
    const { id: re } = await outside.said('import_turns')
    bar.unmount()
    outside.say({ type: 'error', code: 'storage_failed', message: '', re })
    await flushPromises()
    await useChats().strandedChats()
    expect(useChats().stranded).toBe(1)
  })

  it('is deleted where a person does not want it', async () => {
    await look()
    await button(bar, 'Delete it here').trigger('click')
    await until(() => useChats().stranded === 0)
    expect(outside.sent.some(({ type }) => type === 'import_turns')).toBe(false)
    expect(isTold()).toBe(false)
  })
})

describe('a chat that the PC lost, in which a message waited', () => {
  beforeEach(async () => {
    await have(outside)
    useChats().send(chat, 'And snow?')
    const { id: re } = await outside.said('send_message')
    await restore(outside, 0, [])
    outside.say({ type: 'error', code: 'chat_unknown', message: '', re })
  })

  it('is made anew before what is of it is brought back', async () => {
    expect(useChats().has(chat)).toBe(true)
    await look()
    await button(bar, 'Bring it back').trigger('click')
    const { chat: made } = await outside.said('create_chat')
    expect(made).toBe(chat)
    const { chat: to } = await outside.said('import_turns')
    expect(to).toBe(chat)
    acknowledgeAll()
    await until(() => dialog().includes('Done: 1 new message.'))
    await until(() => useChats().stranded === 0)
  })
})
