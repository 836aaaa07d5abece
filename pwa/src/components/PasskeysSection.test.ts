import { flushPromises } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { session, TestServices } from '../../tests/support/services'
import type { Authenticator } from '../net/authenticator'
import { PasskeyFailed, ProblemError } from '../net/errors'
import type { PasskeyApi } from '../net/passkeyApi'
import type { NewPasskey, Passkey, PasskeyCreation, Proof } from '../protocol/generated'
import { useAccount } from '../stores/account'
import PasskeyLogIn from './PasskeyLogIn.vue'
import PasskeysSection from './PasskeysSection.vue'

let kept: Passkey[]
let made: NewPasskey[]
let authenticator: Authenticator
let othersEnded = 0
let outside: TestServices
const assertion = {
  id: 'a',
  client_data: 'c',
  authenticator_data: 'd',
  signature: 's',
  user_handle: 'h',
}

let passkeyApi: PasskeyApi
const makePasskeyApi = (): PasskeyApi => ({
  beginMaking: () => Promise.resolve({ challenge: 'fresh' } as PasskeyCreation),
  make: (_token, passkey) => {
    made.push(passkey)
    kept.push({ id: `id${String(kept.length)}`, name: passkey.name, created_ms: 0 })
    return Promise.resolve(kept.at(-1)!)
  },
  list: () => Promise.resolve([...kept]),
  remove: (_token, id) => {
    kept = kept.filter((passkey) => passkey.id !== id)
    return Promise.resolve()
  },
  beginLogIn: () => Promise.resolve({ challenge: 'c', rp_id: 'r', timeout_ms: 1 }),
  logIn: () => Promise.resolve(session),
})

beforeEach(() => {
  kept = [{ id: 'id0', name: 'Phone', created_ms: 0, used_ms: 86_400_000 }]
  made = []
  authenticator = {
    make: () => Promise.resolve({ client_data: 'c', attestation: 'a' }),
    sign: () => Promise.resolve(assertion),
  }
  passkeyApi = makePasskeyApi()
  outside = new TestServices({ authenticator, passkeyApi })
  outside.accountApi.endOthers = () => Promise.resolve(void othersEnded++)
})

async function section() {
  const view = show(PasskeysSection, { deviceName: 'Linux' })
  await flushPromises()
  return view
}

const names = (view: Awaited<ReturnType<typeof section>>) =>
  view.findAll('strong').map((name) => name.text())

describe('the passkeys of a person', () => {
  it('are listed with when they were made and used', async () => {
    const view = await section()
    expect(names(view)).toEqual(['Phone'])
    expect(view.get('li').text()).toMatch(/Added .*1970 · last used .*1970/)
  })

  it('become more, named after the machine', async () => {
    const view = await section()
    await view.get('button:not([aria-label])').trigger('click')
    await flushPromises()
    expect(made).toEqual([{ name: 'Linux', client_data: 'c', attestation: 'a' }])
    expect(names(view)).toEqual(['Phone', 'Linux'])
  })

  it('become less once the person has confirmed it, and end the other sessions if wanted', async () => {
    for (const wanted of [false, true]) {
      kept = [{ id: 'id0', name: 'Phone', created_ms: 0 }]
      othersEnded = 0
      const view = await section()
      await view.get('[aria-label="Remove the passkey Phone"]').trigger('click')
      expect(names(view)).toEqual(['Phone'])
      await view.get('dialog input[type=checkbox]').setValue(wanted)
      await view.get('dialog .button-danger').trigger('click')
      await flushPromises()
      expect(names(view)).toEqual([])
      expect(othersEnded).toBe(wanted ? 1 : 0)
      view.unmount()
    }
  })

  it('ask again who it is where the server wants to know, and then go on', async () => {
    let proved: Proof | null = null
    outside.accountApi.prove = (_token, proof) => Promise.resolve(void (proved = proof))
    passkeyApi.beginMaking = () =>
      proved
        ? Promise.resolve({ challenge: 'fresh' } as PasskeyCreation)
        : Promise.reject(new ProblemError('reauthentication_needed', ''))
    const view = await section()
    await view.get('button:not([aria-label])').trigger('click')
    await flushPromises()
    expect(names(view)).toEqual(['Phone'])
    await view.get('dialog input').setValue('secret')
    await view.get('dialog form').trigger('submit')
    await flushPromises()
    expect(proved).toEqual({ password: 'secret' })
    expect(names(view)).toEqual(['Phone', 'Linux'])
    expect(view.find('dialog').exists()).toBe(false)
  })

  it('stay as they are when the person changes their mind, and a sentence says so', async () => {
    authenticator.make = () => Promise.reject(new PasskeyFailed('passkey_cancelled'))
    const view = await section()
    await view.get('button:not([aria-label])').trigger('click')
    await flushPromises()
    expect(view.get('[role=alert]').text()).toContain('No passkey was given.')
    expect(names(view)).toEqual(['Phone'])
  })
})

describe('logging in with a passkey', () => {
  it('is logging in', async () => {
    const account = useAccount()
    expect(account.hasPasskeys).toBe(true)
    const view = show(PasskeyLogIn, { act: account.logInWithPasskey })
    await view.get('button').trigger('click')
    await flushPromises()
    expect([account.state, account.name]).toEqual(['in', 'anna'])
  })

  it('is refused with a sentence', async () => {
    const act = () => Promise.reject(new ProblemError('passkey_refused', ''))
    const view = show(PasskeyLogIn, { act })
    await view.get('button').trigger('click')
    await flushPromises()
    expect(view.get('[role=alert]').text()).toContain('This passkey was not accepted.')
  })

  it('is not offered where the browser has no passkeys', () => {
    new TestServices()
    expect(useAccount().hasPasskeys).toBe(false)
  })
})
