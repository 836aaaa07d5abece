import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import ConnectionPanel from './ConnectionPanel.vue'

const away = { road: null, roundTripMs: null, since: null, refusal: null }

it('says of every road what it means', () => {
  for (const [road, name, meaning] of [
    ['local', 'On this PC', 'does not leave this machine'],
    ['lan', 'Home network', 'does not leave your home’s network'],
    ['p2p', 'Direct', 'past the server'],
    ['relay', 'Relay', 'without being able to read it'],
  ] as const) {
    const outside = new TestServices()
    const since = outside.clock.now()
    const panel = show(ConnectionPanel, { state: 'connected', road, roundTripMs: 12, since, refusal: null })
    const facts = panel.findAll('dd').map((fact) => fact.text())
    expect(facts).toEqual([name, '12 ms', expect.stringMatching(/\d+:\d\d/)])
    expect(panel.text()).toContain(meaning)
    expect(panel.find('button').exists()).toBe(false)
  }
})

it('offers to try again only where there is something to be tried', () => {
  new TestServices()
  for (const state of ['connecting', 'pc_offline', 'offline'] as const) {
    const panel = show(ConnectionPanel, { ...away, state })
    void panel.get('button').trigger('click')
    expect(panel.emitted('retry')).toHaveLength(1)
  }
  const unpaired = show(ConnectionPanel, { ...away, state: 'unpaired' })
  expect(unpaired.find('button').exists()).toBe(false)
  expect(unpaired.get('a').attributes('href')).toBe('/pair')
})

it('says why nothing is tried by itself', () => {
  new TestServices()
  const panel = show(ConnectionPanel, { ...away, state: 'offline', refusal: 'unsupported_version' })
  expect(panel.text()).not.toContain('tried again by itself')
  expect(panel.text()).toContain('reload the page')
})
