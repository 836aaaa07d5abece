import { expect, it } from 'vitest'
import { nextTick } from 'vue'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { useChats } from '../stores/chats'
import { useHomes } from '../stores/homes'
import { disconnected } from '../net/connection'
import ConnectionBadge from './ConnectionBadge.vue'

it('is a status that says where the PC is, and reads out no milliseconds', async () => {
  const outside = new TestServices()
  useChats()
  const badge = show(ConnectionBadge)
  expect(badge.get('[role="status"]').text()).toBe('Offline')
  outside.connect()
  outside.handlers.onRoundTrip(12)
  await nextTick()
  expect(badge.text().replace(/\s+/g, ' ')).toBe('Connected · 12 ms')
  expect(badge.get('.ms').attributes('aria-hidden')).toBe('true')
  const socket = { state: 'ready', dueMs: null, failures: 0 } as const
  const link = { state: 'alone', dueMs: null, failures: 0 } as const
  outside.standing({ ...disconnected, socket, link })
  await nextTick()
  expect(badge.text()).toBe('Your PC is offline')
})

it('says that there is no PC to connect to, rather than that it is away', async () => {
  new TestServices()
  const badge = show(ConnectionBadge)
  await useHomes().load()
  expect(badge.text()).toBe('No PC paired yet')
})
