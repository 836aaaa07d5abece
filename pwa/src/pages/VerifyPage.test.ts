import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { family } from '../../tests/support/household'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { Language } from '../i18n'
import { disconnected } from '../net/connection'
import { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'
import VerifyPage from './VerifyPage.vue'

let outside: TestServices
let page: VueWrapper

beforeEach(() => {
  outside = new TestServices()
  useChats()
  outside.connect()
  useConnection().code = '7ZRA0W4K'
})

afterEach(() => {
  page.unmount()
})

async function open(language: Language = 'en'): Promise<void> {
  page = show(VerifyPage, {}, language)
  await flushPromises()
}

const shownCode = () => page.findAll('.code > [aria-hidden]').map((group) => group.text())

it('shows the code of the live connection, and what to compare it with', async () => {
  await open()
  expect(shownCode()).toEqual(['7ZRA', '0W4K'])
  expect(page.text()).toMatch(/PC’s own browser.*python -m gpu_peer devices/)
})

it('shows what the PC says of this device, and which of it is this connection', async () => {
  await open()
  outside.say(family)
  await flushPromises()
  expect(page.get('.pc').text()).toMatch(/7ZRA 0W4K.*this connection/)
  useConnection().code = 'M4TQ9XKD'
  await flushPromises()
  expect(page.get('.pc').text()).not.toContain('this connection')
})

it('shows no code that is over', async () => {
  await open()
  outside.say(family)
  outside.standing(disconnected)
  await flushPromises()
  expect(page.text()).toContain('There is a code while this device is connected')
  expect(page.text()).not.toContain('7ZRA')
})

it('lists what the server saw, the newest first, with totals and addresses', async () => {
  const candidate = 'candidate:1 1 udp 1 192.0.2.7 9 typ host'
  outside.witness.frame('sent', JSON.stringify({ signal: { type: 'candidate', candidate } }))
  await open()
  outside.witness.frame('sent', '{"type":"ping"}')
  outside.witness.frame('got', '{"type":"pong"}')
  await flushPromises()
  expect(page.findAll('tbody code').map((kind) => kind.text())).toEqual(['pong', 'ping', 'candidate'])
  expect(page.get('.totals').text()).toMatch(/Sent in all.*2 times.*Received in all.*1 time.*15 B/)
  expect(page.get('.facts').text()).toContain('192.0.2.7')
})

it('says in Russian what the server did not see', async () => {
  await open('ru')
  expect(page.text()).toMatch(/Что видел сервер.*Чего он не видел.*Ни слова из чатов/)
  expect(page.text()).not.toMatch(/verify\.|What/)
})
