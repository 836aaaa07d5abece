import { flushPromises } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { strand } from '../../tests/support/strand'
import { ProblemError } from '../net/errors'
import type { Proof } from '../protocol/generated'
import { useAccount } from '../stores/account'
import { useChats } from '../stores/chats'
import DeletionSection from './DeletionSection.vue'

let proofs: Proof[]
let outside: TestServices

beforeEach(async () => {
  proofs = []
  outside = new TestServices()
  outside.accountApi.delete = (_token, proof) => Promise.resolve(void proofs.push(proof))
  await useAccount().logIn({ username: 'anna', password: 'p' })
})

async function confirm(password: string) {
  const view = show(DeletionSection)
  await view.get('button').trigger('click')
  await view.get('dialog input').setValue(password)
  await view.get('dialog form').trigger('submit')
  await flushPromises()
  return view
}

it('says that the chats stay on the PC before anything is asked', async () => {
  const view = show(DeletionSection)
  await view.get('button').trigger('click')
  expect(view.get('dialog').text()).toContain('Your chats live on your PC and stay there.')
})

it('says what only this device has, which would go with it', async () => {
  await outside.begin()
  await strand(outside)
  useChats().send(null, 'Snow?')
  const view = show(DeletionSection)
  await view.get('button').trigger('click')
  expect(view.findAll('.loss').map((loss) => loss.text())).toEqual([
    '1 message or change has not reached your PC yet and would be lost.',
    '1 chat on this device has more than your PC has now, and what is only here would be lost. Bring it back first.',
  ])
})

it('takes the password, and then nobody is logged in', async () => {
  await confirm('secret')
  expect(proofs).toEqual([{ password: 'secret' }])
  expect([useAccount().state, outside.kept.userName]).toEqual(['out', null])
})

it('does nothing without a password', async () => {
  const view = await confirm('')
  expect(proofs).toEqual([])
  expect(view.get('dialog').text()).toContain('Fill this in.')
})

it('leaves the person logged in where the server refused', async () => {
  outside.accountApi.delete = () => Promise.reject(new ProblemError('wrong_credentials', ''))
  const view = await confirm('wrong')
  expect(view.get('[role=alert]').text()).toBe('The password is wrong.')
  expect(useAccount().isIn).toBe(true)
})
