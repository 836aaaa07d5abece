import { beforeEach, describe, expect, it } from 'vitest'
import { flushPromises } from '@vue/test-utils'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { ProblemError } from '../net/errors'
import AccountForm from './AccountForm.vue'

let acts: [string, string][]
let outcome: Promise<void>

beforeEach(() => {
  new TestServices()
  acts = []
  outcome = Promise.resolve()
})

function form(strict: boolean) {
  const act = (name: string, password: string) => {
    acts.push([name, password])
    return outcome
  }
  return show(AccountForm, { submitLabel: 'Go', strict, act })
}

async function submit(view: ReturnType<typeof form>, name: string, password: string) {
  await view.get('input[name=username]').setValue(name)
  await view.get('input[name=password]').setValue(password)
  await view.get('form').trigger('submit')
  await flushPromises()
}

describe('the form', () => {
  it('names its fields', () => {
    const view = form(true)
    const names = view.findAll('label').map((label) => {
      return [label.text(), view.get(`#${label.attributes('for')!}`).attributes('name')]
    })
    expect(names).toEqual([
      ['Username', 'username'],
      ['Password', 'password'],
    ])
  })

  it('holds a new account to the rules, before it asks the server', async () => {
    const view = form(true)
    await submit(view, 'a', 'short')
    expect(acts).toEqual([])
    expect(view.findAll('[aria-invalid=true]')).toHaveLength(2)
    expect(view.text()).toContain('Use at least 8 characters.')
    await submit(view, 'анна', 'correct horse')
    expect(acts).toEqual([['анна', 'correct horse']])
  })

  it('lets any guess through to log in', async () => {
    await submit(form(false), 'a', 'short')
    expect(acts).toEqual([['a', 'short']])
  })

  it('says in a sentence why it was refused, and when to try again', async () => {
    outcome = Promise.reject(new ProblemError('rate_limited', '', 30))
    const view = form(false)
    await submit(view, 'anna', 'x')
    expect(view.get('[role=alert]').text()).toBe(
      'Too many tries. Wait a little and try again. Try again in 30 seconds.',
    )
  })

  it('shows what is typed when asked', async () => {
    const view = form(false)
    const password = view.get('input[name=password]')
    await view.get('button[type=button]').trigger('click')
    expect(password.attributes('type')).toBe('text')
  })
})
