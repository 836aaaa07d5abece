import { beforeEach, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { show } from '../../tests/support/mount'
import { inUse, TestServices } from '../../tests/support/services'
import { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'
import { useHomes } from '../stores/homes'
import { disconnected } from '../net/connection'
import ConnectionBadge from './ConnectionBadge.vue'

beforeEach(() => {
  HTMLElement.prototype.showPopover = () => undefined
  HTMLElement.prototype.hidePopover = function () {
    this.dispatchEvent(Object.assign(new Event('toggle'), { newState: 'closed' }))
  }
})

it('is a status that says where the PC is, and reads out no milliseconds', async () => {
  const outside = new TestServices()
  useChats()
  const badge = show(ConnectionBadge)
  expect(badge.get('[role="status"]').text()).toBe('Offline')
  outside.connect()
  outside.handlers.onRoundTrip(12)
  await nextTick()
  expect(badge.text().replace(/\s+/g, ' ')).toBe('Connected: Home network · 12 ms')
  expect(badge.get('.ms').attributes('aria-hidden')).toBe('true')
  const socket = { state: 'ready', dueMs: null, failures: 0 } as const
  const signaled = { ...disconnected.lines.signaled, state: 'alone' } as const
  outside.standing({ ...disconnected, socket, lines: { ...disconnected.lines, signaled } })
  await nextTick()
  expect(badge.text()).toBe('Your PC is offline')
})

it('says that there is no PC to connect to, rather than that it is away', async () => {
  new TestServices()
  const badge = show(ConnectionBadge)
  await useHomes().load()
  expect(badge.text()).toBe('No PC paired yet')
})

it('names the road in the person’s language', async () => {
  const outside = new TestServices()
  useChats()
  const badge = show(ConnectionBadge, {}, 'ru')
  for (const [road, name] of [
    ['local', 'Этот компьютер'],
    ['lan', 'Домашняя сеть'],
    ['p2p', 'Напрямую'],
    ['relay', 'Через сервер'],
  ] as const) {
    outside.standing(inUse(1, road))
    await nextTick()
    expect(badge.get('[role="status"]').text()).toBe(`На связи: ${name}`)
  }
})

it('says since when it is offline, with the day where that is not today', async () => {
  const outside = new TestServices()
  const connection = useConnection()
  const badge = show(ConnectionBadge)
  connection.offlineSince = outside.clock.now() - 60_000
  await nextTick()
  expect(badge.text()).toMatch(/^Offline since \d+:\d\d.[AP]M$/)
  connection.offlineSince = outside.clock.now() - 48 * 3_600_000
  await nextTick()
  expect(badge.text()).toMatch(/^Offline since Dec \d+, 1969, \d+:\d\d.[AP]M$/)
})

it('opens a panel that says more, tries again at once, and leads to the network page', async () => {
  const outside = new TestServices()
  useChats()
  const badge = show(ConnectionBadge)
  const connection = useConnection()
  let tries = 0
  connection.retryNow = () => void tries++
  const press = async () => {
    await badge.get('.pill').trigger('click')
    await nextTick()
  }
  await press()
  expect(badge.get('.pill').attributes('aria-expanded')).toBe('true')
  await badge.get('[role="dialog"] button').trigger('click')
  expect(tries).toBe(1)

  outside.connect()
  await nextTick()
  const panel = badge.get('[role="dialog"]')
  expect(panel.find('button').exists()).toBe(false)
  await panel.get('a[href="/network"]').trigger('click')
  expect(badge.get('.pill').attributes('aria-expanded')).toBe('false')
})
