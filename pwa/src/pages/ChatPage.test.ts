import { beforeEach, describe, expect, it } from 'vitest'
import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { answer, begun, chat, created, ended, id, welcomeOf, written } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { button } from '../../tests/support/page'
import { inUse, TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { disconnected } from '../net/connection'
import type { Event, SendMessage } from '../protocol/generated'
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

  it('stays where it is when something else is sent', async () => {
    const sent = await send('Very long')
    await field().setValue('Next')
    await refuse(sent)
    await send('Next')
    await flushPromises()
    expect(field().element.value).toBe('')
    expect(bubbles().join()).toContain('Very long')
  })

  it('leaves the answer that runs to be stopped', async () => {
    await hear(written(2, 'One', id(20)), begun(3, answer, id(20)))
    const sent = await send('Very long')
    await field().setValue('Next')
    await refuse(sent)
    await page.get('button[aria-label="Stop"]').trigger('click')
    expect(await outside.said('stop_answer')).toMatchObject({ answer })
  })

  it('goes on in another chat where this one is gone, which is shown', async () => {
    const sent = await send('Once more')
    outside.say({ type: 'error', code: 'chat_unknown', message: '', re: sent.id, excess: null })
    await hear({ type: 'chat_deleted', seq: 2, at_ms: 2, chat })
    await button(page, 'Send again').trigger('click')
    await flushPromises()
    const { chat: other } = await outside.said('create_chat')
    expect(other).not.toBe(chat)
    expect(page.vm.$route.params.id).toBe(other)
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

describe('what was typed and not sent', () => {
  const go = async (to: string) => {
    await page.vm.$router.push(to)
    await flushPromises()
  }
  const stop = async () => {
    await page.get('button[aria-label="Stop"]').trigger('click')
    await flushPromises()
  }

  it('stays in its chat', async () => {
    await field().setValue('For this chat')
    await go('/')
    expect(field().element.value).toBe('')
    await field().setValue('For a new one')
    await go(`/chat/${id(70)}`)
    expect(page.find('textarea').exists()).toBe(false)
    await go(`/chat/${chat}`)
    expect(field().element.value).toBe('For this chat')
    await go('/')
    expect(field().element.value).toBe('For a new one')
  })

  it('is there after another page, in other words of a message too', async () => {
    await hear(...branches.slice(0, 3))
    await field().setValue('To be sent later')
    await button(page, 'Edit').trigger('click')
    await until(() => page.findAll('textarea').length === 2)
    await page.get('article textarea').setValue('Uno')
    page.unmount()
    page = show(ChatPage)
    await go(`/chat/${chat}`)
    await until(() => page.findAll('textarea').length === 2)
    expect(field().element.value).toBe('Uno')
    await button(page, 'Cancel').trigger('click')
    await flushPromises()
    expect(field().element.value).toBe('To be sent later')
    page.unmount()
    page = show(ChatPage)
    await go(`/chat/${chat}`)
    expect(page.findAll('textarea')).toHaveLength(1)
  })

  it('comes after what is taken back', async () => {
    outside.standing(disconnected)
    await field().setValue('One')
    await field().trigger('keydown', { key: 'Enter' })
    await field().setValue('Two')
    await field().trigger('keydown', { key: 'Enter' })
    await field().setValue('Three')
    await stop()
    await stop()
    expect(bubbles()).toEqual([])
    expect(field().element.value).toBe('One\n\nTwo\n\nThree')
  })

  it('is not overwritten by a suggestion, which is by another one', async () => {
    await go('/')
    await field().setValue('My own words')
    await page.findAll('.idea')[0]!.trigger('click')
    expect(field().element.value).toMatch(/^My own words\n\n./)
    await field().setValue('')
    await page.findAll('.idea')[0]!.trigger('click')
    await page.findAll('.idea')[1]!.trigger('click')
    expect(field().element.value).toBe(page.findAll('.idea .prompt')[1]!.text())
  })
})

async function hear(...events: Event[]): Promise<void> {
  outside.say({ type: 'events', events, upto: events.at(-1)!.seq })
  await flushPromises()
}

/** Two questions with an answer each, and two more words for the second question. */
const branches = [
  written(2, 'One', id(20)),
  begun(3, id(30), id(20)),
  ended(4, '1', { answer: id(30) }),
  written(5, 'Two', id(21), chat, id(20)),
  begun(6, id(31), id(21)),
  ended(7, '2', { answer: id(31) }),
  written(8, 'Deux', id(22), chat, id(20)),
  begun(9, id(32), id(22)),
  ended(10, 'II', { answer: id(32) }),
]

describe('a message that was written while an answer runs', () => {
  it('goes out, and waits for the answer above', async () => {
    await hear(written(2, 'One', id(20)), begun(3, answer, id(20)))
    const sent = await send('Two')
    expect(sent).toMatchObject({ chat, text: 'Two' })
    await hear(written(4, 'Two', sent.message, chat, id(20)))
    expect(bubbles()).toHaveLength(3)
    expect(bubbles()[2]).toContain('After the answer above.')
    await hear(ended(5, '1', { answer }))
    expect(bubbles()[2]).not.toContain('After the answer above.')
    expect(bubbles()[3]).toContain('Thinking…')
  })
})

describe('a message in other words', () => {
  it('goes out as an edit, and its branch is shown at once, with no connection too', async () => {
    outside.standing(disconnected)
    await hear(...branches.slice(0, 6))
    await page.findAll('button').filter((one) => one.attributes('aria-label') === 'Edit')[1]!.trigger('click')
    await until(() => page.findAll('textarea').length === 2)
    await page.get('article textarea').setValue('Deux')
    await page.get('article textarea').trigger('keydown', { key: 'Enter' })
    await flushPromises()
    expect(bubbles()[2]).toContain('Deux')
    expect(bubbles()[2]).toContain('Will be sent when your PC can be reached.')
    expect(bubbles()[2]).toContain('2 of 2')
    outside.connect(7)
    expect(await outside.said('edit_message')).toMatchObject({ chat, replaces: id(21), text: 'Deux' })
  })

  it('is paged to and from, and what is said next follows what is shown', async () => {
    await hear(...branches)
    expect(bubbles()[2]).toContain('Deux')
    await button(page, 'Earlier version').trigger('click')
    await flushPromises()
    expect(bubbles()[2]).toContain('Two')
    expect(await send('Three')).toMatchObject({ parent: id(21) })
  })
})

it('goes on with an answer that was cut', async () => {
  await hear(...branches.slice(0, 2), ended(4, 'Once', { answer: id(30), reason: 'cut' }))
  await button(page, 'Continue').trigger('click')
  expect(await outside.said('continue_answer')).toMatchObject({ chat, answer: id(30) })
})

describe('a message that was searched for', () => {
  const seek = async (message: string, part: string) => {
    await page.vm.$router.push({ name: 'chat', params: { id: chat }, query: { at: message, part } })
    await flushPromises()
  }
  const found = () => page.findAll('.found').map((one) => one.text())

  it('is shown for a moment, and then the address is the chat’s again', async () => {
    await hear(...branches)
    await seek(id(20), 'said')
    expect(found()).toEqual(['One'])
    expect(page.vm.$route.fullPath).toBe(`/chat/${chat}`)
  })

  it('is shown on its own branch, in its answer where it was there', async () => {
    await hear(...branches)
    await seek(id(21), 'answer')
    expect(bubbles()[2]).toContain('Two')
    expect(found()).toHaveLength(1)
    expect(found()[0]).toContain('2')
  })

  it('is waited for where it is still being read', async () => {
    await seek(id(20), 'said')
    expect(found()).toEqual([])
    await hear(...branches)
    expect(found()).toEqual(['One'])
  })
})

it('shows that a chat is being read, and no more once it is', async () => {
  const other = id(70)
  const began = [created(11, 'Old', other), written(12, 'Old words', id(71), other)]
  await hear(...began)
  const opened = page.vm.$router.push({ name: 'chat', params: { id: other } })
  await opened
  await page.vm.$nextTick()
  expect(page.find('.skeleton').exists()).toBe(true)
  await until(() => page.find('article').exists())
  expect(page.find('.skeleton').exists()).toBe(false)
  expect(bubbles()[0]).toContain('Old words')
})

it('says where a chat is that is not here while the PC is away', async () => {
  const other = id(70)
  outside.standing(inUse(2))
  outside.say(welcomeOf(9, { log: id(901), after: 9, before: 10 }))
  outside.handlers.onWelcomed()
  outside.say({ type: 'chat_list', chats: [{ chat: other, title: 'Old', folder: null, changed_ms: 1 }] })
  outside.say({ type: 'events', events: [created(10, 'Later', id(72))], upto: 10 })
  await page.vm.$router.push({ name: 'chat', params: { id: other } })
  const asks = () => outside.sent.some((one) => one.type === 'fetch_chat' && one.chat === other)
  await until(asks)
  await page.vm.$nextTick()
  expect(page.find('.skeleton').exists()).toBe(true)
  outside.standing(disconnected)
  await page.vm.$nextTick()
  expect(page.find('.skeleton').exists()).toBe(false)
  expect(page.get('[role=log]').text()).toBe('This chat is not on this device yet. It comes when your PC can be reached.')
})
