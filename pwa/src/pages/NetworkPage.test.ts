import { flushPromises } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { LineResult, RoadLine } from '../net/check'
import type { RoadTools } from '../net/roadTools'
import { useConnection } from '../stores/connection'
import { useSettings } from '../stores/settings'
import NetworkPage from './NetworkPage.vue'

/** Roads in the hands of a test: each check and each sweep goes on as it says. */
class Roads implements RoadTools {
  checks = 0
  stops = 0
  known: readonly string[] = ['192.168.178.20']
  swept: string[] = []
  heard: (line: RoadLine, result: LineResult) => void = () => undefined
  end: () => void = () => undefined
  progressed: (done: number, total: number) => void = () => undefined
  find: (address: string | null) => void = () => undefined

  check(heard: Roads['heard']) {
    this.checks++
    this.heard = heard
    const done = new Promise<void>((resolve) => (this.end = resolve))
    return { done, stop: () => void this.stops++ }
  }

  addresses() {
    return this.known
  }

  sweep(network: string, progressed: Roads['progressed']) {
    this.swept.push(network)
    this.progressed = progressed
    const found = new Promise<string | null>((resolve) => (this.find = resolve))
    return { found, stop: () => void this.stops++ }
  }
}

let outside: TestServices
let roads: Roads

beforeEach(() => {
  outside = new TestServices()
  roads = new Roads()
  outside.roadTools = () => Promise.resolve(roads)
})

async function open(language: 'en' | 'ru' = 'en') {
  const page = show(NetworkPage, {}, language)
  await flushPromises()
  const line = (name: string) => page.findAll('.line').find((one) => one.text().startsWith(name))!
  const button = (name: string) => page.findAll('button').find((one) => one.text() === name)!
  return { page, line, button }
}

describe('the check of the roads', () => {
  it('begins by itself and shows each result as it comes', async () => {
    const { line } = await open()
    expect(line('Relay over UDP').text()).toContain('Checking…')
    roads.heard('relay_udp', { state: 'no' })
    roads.heard('lan', { state: 'ok', ms: 6.4 })
    await flushPromises()
    expect(line('Relay over UDP').text()).toContain('does not work')
    expect(line('Relay over UDP').text()).toContain('This network blocks UDP')
    expect(line('Home network').text()).toMatch(/: works.*6 ms.*no server is needed/)
    expect(line('Relay over TLS').text()).toContain('Checking…')
  })

  it('ends in a verdict in plain words, and can be run again', async () => {
    const { page, line, button } = await open()
    roads.heard('vds', { state: 'ok', ms: 30 })
    roads.heard('lan', { state: 'ok', ms: 6 })
    await flushPromises()
    expect(page.find('.verdict').exists()).toBe(false)
    roads.end()
    await flushPromises()
    expect(page.get('.verdict').text()).toContain('All is well')
    await button('Check again').trigger('click')
    await flushPromises()
    expect(roads.checks).toBe(2)
    expect(line('Home network').text()).toContain('Checking…')
    await button('Checking…').trigger('click')
    expect(roads.checks).toBe(2)
  })

  it('says so where it cannot be loaded, and ends with the page', async () => {
    outside.roadTools = () => Promise.reject(new TypeError('Failed to fetch'))
    const { page } = await open()
    expect(page.text()).toContain('This could not be loaded.')
    outside.roadTools = () => Promise.resolve(roads)
    const other = (await open()).page
    other.unmount()
    expect(roads.stops).toBe(1)
  })

  it('has a sentence of its own for every line and result', async () => {
    for (const language of ['en', 'ru'] as const) {
      for (const state of ['ok', 'no', 'unknown'] as const) {
        const { page } = await open(language)
        for (const line of ['vds', 'pc', 'lan', 'p2p', 'relay_udp', 'relay_tcp', 'relay_tls'] as const) {
          roads.heard(line, { state })
        }
        await flushPromises()
        const meanings = page.findAll('.line .soft').map((one) => one.text())
        expect(meanings.join()).not.toMatch(/network\.\w+\./)
        if (state !== 'unknown') expect(new Set(meanings).size).toBe(7)
      }
    }
  })
})

describe('the browser’s permission', () => {
  it('is explained before it is asked for, and goes with another check', async () => {
    const { page, button } = await open()
    outside.tellLocalNetwork('prompt')
    await flushPromises()
    expect(page.text()).toContain('Your browser may ask')
    roads.end()
    await flushPromises()
    await button('Go on').trigger('click')
    expect([outside.kept.localNetworkTold, roads.checks]).toEqual([true, 2])
    expect(page.text()).not.toContain('Your browser may ask')
  })

  it('that was refused can be given again, in a sentence', async () => {
    const { page } = await open()
    outside.tellLocalNetwork('denied')
    await flushPromises()
    expect(page.text()).toContain('To allow it, press the icon beside the address')
  })
})

describe('the search for the PC', () => {
  it('tries the network where it was last, shows how far it is, and uses what it found', async () => {
    const { page, button } = await open()
    const connection = useConnection()
    let tries = 0
    connection.retryNow = () => void tries++
    await page.get('form').trigger('submit')
    await flushPromises()
    roads.progressed(96, 254)
    await flushPromises()
    expect(roads.swept).toEqual(['192.168.178'])
    expect(page.get('progress').attributes()).toMatchObject({ value: '96', max: '254' })
    expect(page.text()).toContain('96 of 254 addresses')
    roads.find('192.168.178.31')
    await flushPromises()
    expect(page.text()).toContain('Found at 192.168.178.31.')
    expect([tries, page.find('progress').exists()]).toEqual([1, false])
    expect(button('Look for it').exists()).toBe(true)
  })

  it('says where it was not found, and stops when asked to', async () => {
    const { page, button } = await open()
    await page.get('form').trigger('submit')
    await flushPromises()
    roads.find(null)
    await flushPromises()
    expect(page.text()).toContain('Your PC is not in 192.168.178.x.')
    await page.get('form').trigger('submit')
    await flushPromises()
    await button('Stop').trigger('click')
    expect([roads.stops, page.text()]).toEqual([1, expect.stringContaining('Stopped before')])
    roads.find('192.168.178.31')
    await flushPromises()
    expect(page.text()).not.toContain('Found at')
  })

  it('takes a network that is typed, and no nonsense', async () => {
    const { page } = await open()
    await page.findAll('input[type="radio"]').at(-1)!.setValue()
    await page.get('input[type="text"]').setValue('8.8.8')
    await page.get('form').trigger('submit')
    expect(page.text()).toContain('Write three numbers')
    await page.get('input[type="text"]').setValue('192.168.5.17')
    await page.get('form').trigger('submit')
    await flushPromises()
    expect(roads.swept).toEqual(['192.168.5'])
  })

  it('is not offered before the PC told where it is', async () => {
    roads.known = []
    const { page } = await open()
    expect(page.find('form').exists()).toBe(false)
    expect(page.text()).toContain('has to be reached once')
  })
})

it('needs no hint any more once it was opened', async () => {
  useSettings().change({ networkHint: true })
  await open()
  expect(useSettings().networkHint).toBe(false)
})
