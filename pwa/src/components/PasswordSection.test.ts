import { flushPromises } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { Authenticator } from '../net/authenticator'
import { ProblemError } from '../net/errors'
import type { PasswordChange } from '../protocol/generated'
import { useOwnAccount } from '../stores/ownAccount'
import { usePasskeys } from '../stores/passkeys'
import PasswordSection from './PasswordSection.vue'

const assertion = {
  id: 'a',
  client_data: 'c',
  authenticator_data: 'd',
  signature: 's',
  user_handle: 'h',
}
let hasPassword: boolean
let changes: PasswordChange[]
let outside: TestServices

function services(authenticator: Authenticator | null) {
  outside = new TestServices({ authenticator })
  outside.accountApi.show = () => Promise.resolve({ has_password: hasPassword, sessions: [] })
  outside.accountApi.changePassword = (_token, change) => {
    changes.push(change)
    hasPassword = true
    return Promise.resolve()
  }
  outside.accountApi.dropPassword = () => Promise.resolve(void (hasPassword = false))
  outside.accountApi.beginProof = () =>
    Promise.resolve({ challenge: 'c', rp_id: 'r', timeout_ms: 1 })
}

beforeEach(() => {
  hasPassword = true
  changes = []
  services({
    make: () => Promise.reject(new Error('not here')),
    sign: () => Promise.resolve(assertion),
  })
})

async function section(passkeys = 0) {
  await useOwnAccount().load()
  usePasskeys().all = Array.from({ length: passkeys }, (_, id) => ({
    id: String(id),
    name: 'Key',
    created_ms: 0,
  }))
  const view = show(PasswordSection)
  await flushPromises()
  return view
}

type View = Awaited<ReturnType<typeof section>>

const button = (view: View, text: string) => view.findAll('button').find((b) => b.text() === text)!

async function fill(view: View, current: string | null, fresh: string) {
  if (current !== null) await view.get('[name=current-password]').setValue(current)
  await view.get('[name=new-password]').setValue(fresh)
}

describe('changing the password', () => {
  it('takes the old one', async () => {
    const view = await section()
    await button(view, 'Change the password').trigger('click')
    expect(view.get('dialog').text()).toContain('logged out everywhere but here')
    await fill(view, 'the old one', 'the new one')
    await view.get('form').trigger('submit')
    await flushPromises()
    expect(changes).toEqual([{ password: 'the new one', proof: { password: 'the old one' } }])
    expect(view.get('[role=status]').text()).toContain('has been changed')
    expect(view.find('dialog').exists()).toBe(false)
  })

  it('or a passkey', async () => {
    const view = await section(1)
    await button(view, 'Change the password').trigger('click')
    await fill(view, null, 'the new one')
    await button(view, 'Use a passkey instead').trigger('click')
    await flushPromises()
    expect(changes).toEqual([{ password: 'the new one', proof: { passkey: assertion } }])
  })

  it('asks nobody before the new one is long enough', async () => {
    const view = await section(1)
    await button(view, 'Change the password').trigger('click')
    await fill(view, 'the old one', 'short')
    await view.get('form').trigger('submit')
    await button(view, 'Use a passkey instead').trigger('click')
    await flushPromises()
    expect(changes).toEqual([])
    expect(view.get('dialog').text()).toContain('Use at least 8 characters.')
  })

  it('says that the old one is wrong, and stays', async () => {
    outside.accountApi.changePassword = () =>
      Promise.reject(new ProblemError('wrong_credentials', ''))
    const view = await section()
    await button(view, 'Change the password').trigger('click')
    await fill(view, 'wrong', 'the new one')
    await view.get('form').trigger('submit')
    await flushPromises()
    expect(view.get('[role=alert]').text()).toBe('The password is wrong.')
    expect(view.find('dialog').exists()).toBe(true)
  })

  it('offers no passkey where the browser has none, or the person', async () => {
    for (const passkeys of [1, 0]) {
      if (passkeys) services(null)
      const view = await section(passkeys)
      await button(view, 'Change the password').trigger('click')
      expect(button(view, 'Use a passkey instead')).toBeUndefined()
      view.unmount()
      services({ make: () => Promise.reject(new Error('')), sign: () => Promise.resolve(assertion) })
    }
  })
})

describe('living without a password', () => {
  it('is offered beside two passkeys, and done once confirmed', async () => {
    expect(button(await section(1), 'Use passkeys only')).toBeUndefined()
    const view = await section(2)
    await button(view, 'Use passkeys only').trigger('click')
    expect(hasPassword).toBe(true)
    await button(view, 'Drop the password').trigger('click')
    await flushPromises()
    expect(hasPassword).toBe(false)
    expect(view.text()).toContain('only passkeys open it')
    expect(button(view, 'Use passkeys only')).toBeUndefined()
  })

  it('ends with a new one, set by a passkey', async () => {
    hasPassword = false
    const view = await section(2)
    await button(view, 'Set a password').trigger('click')
    expect(view.find('[name=current-password]').exists()).toBe(false)
    await fill(view, null, 'the new one')
    await view.get('form').trigger('submit')
    await flushPromises()
    expect(changes).toEqual([{ password: 'the new one', proof: { passkey: assertion } }])
    expect(button(view, 'Change the password')).toBeDefined()
  })
})
