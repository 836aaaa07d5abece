import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { defineComponent } from 'vue'
import { show } from '../../tests/support/mount'
import { created } from '../../tests/support/messages'
import { TestServices } from '../../tests/support/services'
import { ticket } from '../../tests/support/ticket'
import { fixed } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import { Unreachable } from '../net/errors'
import { useAccount } from '../stores/account'
import { useChats } from '../stores/chats'
import { useDrafts } from '../stores/drafts'
import { useHomes } from '../stores/homes'
import { useSession } from './session'

const App = defineComponent({ setup: () => useSession(), render: () => null })
let outside: TestServices

beforeEach(() => {
  localStorage.clear()
  outside = new TestServices()
  const app = show(App)
  return () => app.unmount()
})

const logIn = () => useAccount().logIn({ username: 'anna', password: 'p' })

it('connects once somebody is logged in and a home is pinned', async () => {
  await logIn()
  await until(() => useHomes().state === 'unpaired')
  expect(outside.starts).toBe(0)
  await useHomes().pin(fixed('attic'), '')
  await until(() => outside.starts === 1)
})

it('connects with the home of the last visit', async () => {
  await useHomes().pin(fixed('attic'), '')
  expect(outside.starts).toBe(0)
  await logIn()
  await until(() => outside.starts === 1)
})

it('connects after a reload though no server answers', async () => {
  await useHomes().pin(fixed('attic'), '')
  outside.kept = { ...outside.kept, userName: 'anna' }
  outside.refresh = () => Promise.reject(new Unreachable(''))
  outside.reload()
  await useAccount().restore()
  show(App)
  await until(() => outside.starts === 1)
})

it('does not connect after a reload where the person had logged out', async () => {
  await logIn()
  await useHomes().pin(fixed('attic'), '')
  await useAccount().logOut()
  outside.refresh = () => Promise.reject(new Unreachable(''))
  outside.reload()
  const { starts } = outside
  await useAccount().restore()
  show(App)
  await useHomes().load()
  await flushPromises()
  expect([useAccount().isIn, outside.starts]).toEqual([false, starts])
})

it('keeps the home when the person logs out', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  await useAccount().logOut()
  await flushPromises()
  expect([outside.stops, useHomes().state]).toEqual([1, 'paired'])
  await logIn()
  await until(() => outside.starts === 2)
})

it('stops, and shows no chat of a home that is forgotten or paired anew', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  const chats = useChats()
  await until(() => outside.starts === 1)
  outside.connect()
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  expect(chats.list).toHaveLength(1)
  await useHomes().pin(fixed('cellar'), '')
  expect(chats.list).toEqual([])
  await useHomes().forget()
  expect(outside.stops).toBe(1)
})

it('shows the same chats when the home gives another ticket', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  outside.connect()
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  await useHomes().keepTicket(ticket)
  expect(useChats().list).toHaveLength(1)
})

it('shows the chats of the last visit with no connection', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  outside.connect()
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  await outside.inReplica(1, useHomes().home!)
  outside.kept = { ...outside.kept, userName: 'anna' }
  outside.reload()
  await useAccount().restore()
  show(App)
  await until(() => useChats().list.length === 1)
  expect(useChats().list[0]?.title).toBe('A chat')
})

it('shows nothing to another person who pairs this browser with the same home', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  outside.connect()
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  await outside.inReplica(1, useHomes().home!)
  outside.clock.pass(1)
  await useHomes().pin(fixed('attic'), '')
  await useChats().opened()
  expect([useChats().list, useChats().kept]).toEqual([[], true])
})

/** The replicas that this browser keeps. */
async function replicas(): Promise<string[]> {
  const all = await outside.database().databases()
  return all.flatMap(({ name }) => (name?.startsWith('hearth.replica.') ? [name] : []))
}

async function withReplica(): Promise<void> {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  expect(await replicas()).toHaveLength(1)
}

it('leaves nothing of the chats in this browser when the person logs out', async () => {
  await withReplica()
  await useAccount().logOut()
  let left = 1
  await until(() => {
    void replicas().then(({ length }) => (left = length))
    return left === 0
  })
})

it('keeps the chats where the session ended without the person’s doing', async () => {
  await withReplica()
  useAccount().end()
  await flushPromises()
  await until(() => !useAccount().isIn)
  expect(await replicas()).toHaveLength(1)
})

it('leaves nothing of what was typed when the person logs out, and keeps it where the session ended', async () => {
  await withReplica()
  useDrafts().write('Half a sentence', null)
  useAccount().end()
  await until(() => useDrafts().of(null) === '')
  await logIn()
  await until(() => useDrafts().of(null) === 'Half a sentence')
  await useAccount().logOut()
  expect(useDrafts().of(null)).toBe('')
  expect(localStorage).toHaveLength(0)
})

it('shows nothing of it in a tab of before either, nor sends what is said there as theirs', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  outside.connect()
  outside.say({ type: 'events', events: [created(1)], upto: 1 })
  await until(() => useChats().list.length === 1)
  const pairing = { publicKey: fixed('attic'), name: '', pairedAt: 9, lan: null }
  const theirs = await outside.homesOfATab().pin(pairing)
  await until(() => outside.starts === 2)
  expect([outside.stops, useChats().list, useHomes().home]).toEqual([1, [], theirs])
  useChats().send(null, 'Hello')
  await outside.inOutbox(2, theirs!)
})

it('stops where another tab forgets the home, and goes on where it says nothing new', async () => {
  await useHomes().pin(fixed('attic'), '')
  await logIn()
  await until(() => outside.starts === 1)
  const tab = outside.homesOfATab()
  await tab.unpin('another')
  await tab.unpin(useHomes().home!.id)
  await until(() => useHomes().state === 'unpaired')
  expect([outside.starts, outside.stops]).toEqual([1, 1])
})
