import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { chat, created, id } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import type { Event } from '../protocol/generated'
import { useChats } from '../stores/chats'
import { useSettings } from '../stores/settings'
import ChatList from './ChatList.vue'

const [other, third] = [id(50), id(51)]
const moved = (seq: number, of: string, folder: string | null): Event => ({
  type: 'chat_moved',
  seq,
  at_ms: seq * 10,
  chat: of,
  folder,
})

let outside: TestServices
let list: VueWrapper

beforeEach(async () => {
  outside = new TestServices()
  await outside.begin()
  outside.connect()
  list = show(ChatList)
  const events = [created(1, 'Rain'), created(2, 'Tomatoes', other), created(3, 'Roses', third)]
  await hear(...events, moved(4, other, 'Garden'), moved(5, third, 'Garden'))
  return () => list.unmount()
})

async function hear(...events: Event[]): Promise<void> {
  outside.say({ type: 'events', events, upto: events.at(-1)!.seq })
  await until(() => useChats().list.length > 0)
  await flushPromises()
}

const sections = () =>
  list.findAll('section').map((section) => [
    section.get('h2').text(),
    ...section.findAll('a').map((link) => link.text()),
  ])
const fold = () => list.get('button[aria-expanded]')

it('has chats without a folder by age, and then the folders', () => {
  expect(sections()).toEqual([
    ['Earlier', 'Rain'],
    ['Garden2', 'Roses', 'Tomatoes'],
  ])
})

it('opens a chat, unless the browser is to open it elsewhere', async () => {
  const [link] = list.findAll('a')
  const where = () => list.vm.$route.path
  const before = where()
  await link!.trigger('click', { ctrlKey: true })
  expect(where()).toBe(before)
  await link!.trigger('click')
  await flushPromises()
  expect(where()).toBe(`/chat/${chat}`)
  expect(list.findAll('a[aria-current="page"]').map((one) => one.text())).toEqual(['Rain'])
})

it('folds a folder up, and keeps it so', async () => {
  expect(fold().attributes('aria-expanded')).toBe('true')
  await fold().trigger('click')
  expect(fold().attributes('aria-expanded')).toBe('false')
  expect(sections()[1]).toEqual(['Garden2'])
  expect(outside.kept.closedFolders).toEqual(['Garden'])
  await fold().trigger('click')
  expect(sections()[1]).toHaveLength(3)
  expect(useSettings().closedFolders).toEqual([])
})

it('lets a folder go with its last chat', async () => {
  await hear(moved(6, other, null), moved(7, third, null))
  expect(sections().map(([name]) => name)).toEqual(['Earlier'])
})

it('marks a chat with what the PC does not have', async () => {
  expect(list.text()).not.toContain('Not sent yet')
  useChats().send(chat, 'Is it raining?')
  await flushPromises()
  const marked = list.findAll('a').filter((link) => link.text().includes('Not sent yet'))
  expect(marked.map((link) => link.text())).toEqual(['Rain Not sent yet'])
})
