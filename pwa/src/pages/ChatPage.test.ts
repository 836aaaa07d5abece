import { beforeEach, describe, expect, it } from 'vitest'
import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { chat, created } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { SendMessage } from '../protocol/generated'
import ChatPage from './ChatPage.vue'

let outside: TestServices
let page: VueWrapper

beforeEach(async () => {
  outside = new TestServices()
  await outside.begin()
  outside.connect()
  page = show(ChatPage)
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  await page.vm.$router.push({ name: 'chat', params: { id: chat } })
  await flushPromises()
  return () => page.unmount()
})

const field = () => page.get('textarea')
const bubbles = () => page.findAll('article').map((article) => article.text())

async function send(text: string): Promise<SendMessage> {
  await field().setValue(text)
  await field().trigger('keydown', { key: 'Enter' })
  return outside.said('send_message', text)
}

async function refuse({ id }: SendMessage): Promise<void> {
  const excess = { tokens: 400, limit: 300 }
  outside.say({ type: 'error', code: 'context_full', message: '', re: id, excess })
  await flushPromises()
}

describe('a message that is too long for the model', () => {
  it('is back in the composer, which says by how much', async () => {
    const sent = await send('Very long')
    expect(field().element.value).toBe('')
    await refuse(sent)
    expect(field().element.value).toBe('Very long')
    expect(page.get('form').text()).toBe(
      'Too long for the model: 400 tokens, and it has room for 300. Shorten it by about 25%.',
    )
    expect(bubbles()).toEqual([])
  })

  it('is complained of no more once it was changed, and can be sent', async () => {
    await refuse(await send('Very long'))
    await field().setValue('Short')
    expect(page.get('form').text()).toBe('')
    await field().trigger('keydown', { key: 'Enter' })
    expect(await outside.said('send_message', 'Short')).toMatchObject({ chat })
  })

  it('takes nothing from what was typed meanwhile, and is there to be edited', async () => {
    const sent = await send('Very long')
    await field().setValue('Next')
    await refuse(sent)
    expect(field().element.value).toBe('Next')
    expect(bubbles()[0]).toContain('Not sent. Too long for the model')
    const edit = page.findAll('button').find((button) => button.text() === 'Edit')!
    await edit.trigger('click')
    expect(field().element.value).toBe('Very long\n\nNext')
    expect(bubbles()).toEqual([])
  })

  it('is not lost where the person is elsewhere meanwhile', async () => {
    const sent = await send('Very long')
    await page.vm.$router.push({ name: 'home' })
    await refuse(sent)
    expect(field().element.value).toBe('')
    await page.vm.$router.push({ name: 'chat', params: { id: chat } })
    await flushPromises()
    expect(field().element.value).toBe('Very long')
  })
})
