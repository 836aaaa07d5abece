import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { ProblemError } from '../net/errors'
import type { SessionSummary } from '../protocol/generated'
import SessionsSection from './SessionsSection.vue'

let sessions: SessionSummary[]
let outside: TestServices

const session = (id: string, client: string, is_this = false): SessionSummary => {
  return { id, client, began_ms: 0, used_ms: 86_400_000 * 40, is_this }
}

beforeEach(() => {
  sessions = [session('1', 'Firefox, Linux', true), session('2', 'Safari, iPhone'), session('3', '')]
  outside = new TestServices()
  outside.accountApi.show = () => Promise.resolve({ has_password: true, sessions })
  outside.accountApi.endSession = (_token, gone) =>
    Promise.resolve(void (sessions = sessions.filter(({ id }) => id !== gone)))
  outside.accountApi.endOthers = () =>
    Promise.resolve(void (sessions = sessions.filter(({ is_this }) => is_this)))
})

async function section() {
  const view = show(SessionsSection)
  await flushPromises()
  return view
}

const names = (view: Awaited<ReturnType<typeof section>>) =>
  view.findAll('strong').map((name) => name.text())

it('says where, since when, and which is this one', async () => {
  const view = await section()
  expect(names(view)).toEqual(['Firefox, Linux', 'Safari, iPhone', 'Unknown browser'])
  const [here, there] = view.findAll('li')
  expect(here!.text()).toMatch(/this browser · since .*1970/)
  expect(here!.find('button').exists()).toBe(false)
  expect(there!.text()).toMatch(/last used Feb.*1970.* · since Jan.*1970/)
})

it('ends one session', async () => {
  const view = await section()
  await view.get('[aria-label="Log out Safari, iPhone"]').trigger('click')
  await flushPromises()
  expect(names(view)).toEqual(['Firefox, Linux', 'Unknown browser'])
})

it('ends all others, and then offers it no more', async () => {
  const view = await section()
  await view.get('.button-plain').trigger('click')
  await flushPromises()
  expect(names(view)).toEqual(['Firefox, Linux'])
  expect(view.find('.button-plain').exists()).toBe(false)
})

it('says why a session did not end', async () => {
  outside.accountApi.endOthers = () => Promise.reject(new ProblemError('storage_failed', ''))
  const view = await section()
  await view.get('.button-plain').trigger('click')
  await flushPromises()
  expect(view.get('[role=alert]').text()).not.toBe('')
  expect(names(view)).toHaveLength(3)
})
