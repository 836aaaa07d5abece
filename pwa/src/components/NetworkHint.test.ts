import { flushPromises } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { useChats } from '../stores/chats'
import { useSettings } from '../stores/settings'
import NetworkHint from './NetworkHint.vue'

async function paired(hostname: string) {
  const outside = new TestServices({ hostname })
  useChats()
  useSettings().change({ networkHint: true })
  const bar = show(NetworkHint)
  await flushPromises()
  const isEmpty = bar.text() === ''
  outside.connect()
  await flushPromises()
  return { outside, bar, isEmpty }
}

it('points out the page about the network once, when the PC is there', async () => {
  const { bar, isEmpty } = await paired('hearth.example')
  expect(isEmpty).toBe(true)
  expect(bar.get('a').attributes('href')).toBe('/network')
  await bar.get('[aria-label="Not now"]').trigger('click')
  expect([bar.text(), useSettings().networkHint]).toEqual(['', false])
})

it('says first why the browser will ask for the local network', async () => {
  const { outside, bar } = await paired('hearth.example')
  outside.tellLocalNetwork('prompt')
  await flushPromises()
  expect(bar.text()).toContain('Your browser may ask')
  await bar.findAll('button').find((one) => one.text() === 'Go on')!.trigger('click')
  expect(useSettings().localNetworkTold).toBe(true)
  expect(bar.get('a').text()).toBe('Check the network')
})

it('asks again another day who would not be asked now', async () => {
  const { outside, bar } = await paired('hearth.example')
  outside.tellLocalNetwork('prompt')
  await flushPromises()
  await bar.get('[aria-label="Not now"]').trigger('click')
  expect(bar.text()).not.toContain('Your browser may ask')
  expect(useSettings().localNetworkTold).toBe(false)
})

it('says nothing on the PC itself', async () => {
  expect((await paired('localhost')).bar.text()).toBe('')
})
