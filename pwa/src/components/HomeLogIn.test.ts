import { flushPromises } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { ProblemError, Unreachable } from '../net/errors'
import { useAccount } from '../stores/account'
import { useHomeLogIn } from '../stores/homeLogIn'
import HomeLogIn from './HomeLogIn.vue'

const door = 'http://127.0.0.1:4711'

async function shown(hostname: string, named: string | null) {
  const outside = new TestServices({ hostname })
  outside.door = named
  const page = show(HomeLogIn)
  await flushPromises()
  return { outside, page }
}

it('offers the PC’s own door, which needs no account, and goes there', async () => {
  const { outside, page } = await shown('localhost', door)
  expect(page.text()).toContain('No account needed.')
  await page.get('button').trigger('click')
  expect(outside.wentTo).toEqual([`${door}/login`])
})

it('offers nothing on a VDS, nor where no door of this machine is named', async () => {
  for (const [hostname, named] of [
    ['hearth.example', door],
    ['localhost', null],
    ['localhost', 'http://hearth.example'],
  ] as const) {
    expect((await shown(hostname, named)).page.find('button').exists()).toBe(false)
  }
})

it('logs in by what the door gave, once', async () => {
  const outside = new TestServices({ hostname: 'localhost' })
  const used: string[] = []
  const { logInByHome } = outside
  outside.logInByHome = (assertion) => (used.push(assertion), logInByHome(assertion))
  useHomeLogIn().keep('a.b.c')
  show(HomeLogIn)
  await flushPromises()
  expect(useAccount().state).toBe('in')
  show(HomeLogIn)
  await flushPromises()
  expect(used).toEqual(['a.b.c'])
})

it('says in a sentence why it did not, and offers it again', async () => {
  for (const [error, sentence] of [
    [new ProblemError('token_invalid', ''), 'good once, for a minute'],
    [new ProblemError('rate_limited', '', 7), 'Try again in 7 seconds.'],
    [new Unreachable(''), 'The server cannot be reached.'],
  ] as const) {
    const outside = new TestServices({ hostname: 'localhost' })
    outside.door = door
    outside.logInByHome = () => Promise.reject(error)
    useHomeLogIn().keep('a.b.c')
    const page = show(HomeLogIn)
    await flushPromises()
    expect(page.get('[role="alert"]').text()).toContain(sentence)
    expect(page.find('button').exists()).toBe(true)
  }
})
