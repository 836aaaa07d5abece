import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { Unreachable } from '../net/errors'
import type { AccountNotice } from '../protocol/generated'
import { useAccount } from '../stores/account'
import AccountNoticeBar from './AccountNoticeBar.vue'
import AccountNoticesSection from './AccountNoticesSection.vue'

let notices: AccountNotice[]
let seen: number
let outside: TestServices

const at = Date.UTC(2026, 2, 3, 12)
const notice = (changes: Partial<AccountNotice>): AccountNotice => {
  const plain = { kind: 'password_changed', count: 1, is_new: true } as const
  return { ...plain, first_ms: at, last_ms: at, ...changes }
}

beforeEach(() => {
  seen = 0
  notices = [notice({ kind: 'wrong_password', count: 3 })]
  outside = new TestServices()
  outside.accountApi.notices = () => Promise.resolve(notices)
  outside.accountApi.seeNotices = () => Promise.resolve(void seen++)
})

async function opened(component: typeof AccountNoticeBar, language?: 'ru') {
  const view = show(component, {}, language)
  await useAccount().logIn({ username: 'anna', password: 'p' })
  await flushPromises()
  return view
}

it('tells of failed tries when somebody is let in, with their number and since when', async () => {
  const view = await opened(AccountNoticeBar)
  expect(view.text()).toMatch(/3 wrong passwords since Mar 3, 2026/)
  expect(view.get('a').attributes('href')).toBe('/settings')
})

it('speaks Russian', async () => {
  expect((await opened(AccountNoticeBar, 'ru')).text()).toMatch(/3 неверных пароля с 3 мар/)
})

it('names a passkey', async () => {
  notices = [notice({ kind: 'passkey_added', subject: 'Phone' })]
  expect((await opened(AccountNoticeBar)).text()).toMatch(/“Phone” was added, Mar 3, 2026/)
})

it('is gone once it was read, and the list in the settings keeps it', async () => {
  const view = await opened(AccountNoticeBar)
  const list = show(AccountNoticesSection)
  await view.get('button').trigger('click')
  await flushPromises()
  expect([view.text(), seen]).toEqual(['', 1])
  expect(list.text()).toContain('3 wrong passwords')
})

it('says nothing of what was seen, and at most three things at once', async () => {
  notices = [notice({ is_new: false }), ...Array.from({ length: 5 }, () => notice({}))]
  const view = await opened(AccountNoticeBar)
  expect(view.findAll('p:not(.advice)')).toHaveLength(3)
})

it('says nothing where the server does not, and nothing to the next person', async () => {
  outside.accountApi.notices = () => Promise.reject(new Unreachable(''))
  expect((await opened(AccountNoticeBar)).text()).toBe('')
  outside.accountApi.notices = () => Promise.resolve(notices)
  useAccount().leave()
  const view = await opened(AccountNoticeBar)
  expect(view.text()).not.toBe('')
  useAccount().leave()
  await flushPromises()
  expect(view.text()).toBe('')
})
