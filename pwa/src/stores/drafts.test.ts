import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it } from 'vitest'
import { chat, created, id } from '../../tests/support/messages'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import { useDrafts } from './drafts'

const mine = { id: 'h', pairedAt: 1 }

beforeEach(() => {
  localStorage.clear()
  new TestServices()
})

function reload(): ReturnType<typeof useDrafts> {
  setActivePinia(createPinia())
  return useDrafts()
}

it('has after a reload what was typed before, in what was said already and for the next', () => {
  const before = useDrafts()
  before.begin(mine)
  before.write('Hello', chat)
  before.write('In other words', chat, id(20))
  const after = reload()
  after.begin(mine)
  expect([after.of(chat), after.of(chat, id(20)), after.of(null)]).toEqual(['Hello', 'In other words', ''])
})

it('keeps what was typed before the home was known', () => {
  useDrafts().write('Early', null)
  useDrafts().begin(mine)
  const after = reload()
  after.begin(mine)
  expect(after.of(null)).toBe('Early')
})

it('shows nothing to the next person, and nothing at all once it is forgotten', () => {
  const drafts = useDrafts()
  drafts.begin(mine)
  drafts.write('Hello', chat)
  drafts.end()
  expect(drafts.of(chat)).toBe('')
  drafts.begin(mine)
  expect(drafts.of(chat)).toBe('Hello')
  drafts.forget()
  drafts.begin(mine)
  expect(drafts.of(chat)).toBe('')
})

it('goes with its chat', async () => {
  const outside = new TestServices()
  const chats = await outside.begin()
  const drafts = useDrafts()
  drafts.begin(mine)
  outside.connect()
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  drafts.write('Hello', chat)
  drafts.write('In other words', chat, id(20))
  drafts.write('Elsewhere', id(70))
  await until(() => chats.has(chat))
  outside.say({ type: 'events', events: [{ type: 'chat_deleted', seq: 2, at_ms: 2, chat }], upto: 2 })
  await until(() => drafts.of(chat) === '')
  expect(localStorage).toHaveLength(1)
})

it('goes with a chat that the PC never had', async () => {
  const chats = await new TestServices().begin()
  const drafts = useDrafts()
  drafts.begin(mine)
  const made = chats.send(null, 'Hello')
  drafts.write('And more', made)
  chats.remove(made)
  expect([drafts.of(made), localStorage.length]).toEqual(['', 0])
})
