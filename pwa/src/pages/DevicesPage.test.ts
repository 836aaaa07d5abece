import { type DOMWrapper, flushPromises, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { device, deviceId, family, live, membersOwn } from '../../tests/support/household'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { Language } from '../i18n'
import { disconnected } from '../net/connection'
import type { Household, Request } from '../protocol/generated'
import { useChats } from '../stores/chats'
import DevicesPage from './DevicesPage.vue'

let outside: TestServices
let page: VueWrapper
const home = 'a'.repeat(32)

beforeEach(() => {
  // The countdown runs by the services' clock; its interval is not waited for.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  outside = new TestServices()
  useChats()
  outside.connect()
})

afterEach(() => {
  page.unmount()
  vi.useRealTimers()
})

async function open(told: Household = family, language: Language = 'en'): Promise<void> {
  page = show(DevicesPage, {}, language)
  outside.say(told)
  await flushPromises()
}

// This page of the tests has no top layer.
HTMLElement.prototype.hidePopover = () => undefined

const last = () => outside.sent.at(-1) as Request
const people = () => page.findAll('section')
const named = (name: string) =>
  page.findAll('button').find((button) => [button.text(), button.attributes('aria-label')].includes(name))

async function press(name: string): Promise<void> {
  const button = named(name)
  if (!button) throw new Error(`There is no button ${name}.`)
  await button.trigger('click')
  await flushPromises()
}

async function submit(): Promise<void> {
  await page.get('dialog form').trigger('submit')
  await flushPromises()
}

async function say(message: Parameters<TestServices['say']>[0]): Promise<void> {
  outside.say(message)
  await flushPromises()
}

const opened = (secret: string | null) =>
  say({ type: 'invitation_opened', id: last().id, home, secret, life_ms: 120_000 })

describe('the list', () => {
  it('shows the owner everybody, and themselves first', async () => {
    await open({ ...family, people: family.people.toReversed() })
    expect(people().map((person) => person.get('h2').text())).toEqual(['Anna', 'Boris'])
    expect(people()[0]!.text()).toMatch(/Owner.*You/)
    expect(people()[1]!.text()).toContain('Member')
  })

  it('marks this device, who is connected with their code, and when others were seen', async () => {
    await open()
    const [laptop, phone, work] = page.findAll('.device').map((item) => item.text())
    expect(laptop).toMatch(/Laptop.*This device.*Connected now · Peer to peer.*7ZRA 0W4K/)
    expect(phone).toMatch(/Phone.*Seen (today|yesterday) at/)
    expect(work).toMatch(/Work.*not seen since/)
  })

  it('folds removed devices away, for the owner to let back in', async () => {
    await open()
    const folded = people()[0]!.get('details')
    expect(folded.get('summary').text()).toBe('Removed: 1')
    await press('Let Old tablet back in')
    expect(last()).toMatchObject({ type: 'readmit_device', device: deviceId('Old tablet') })
  })

  it('shows a member their own devices, which they cannot let back in', async () => {
    await open(membersOwn)
    expect(people()).toHaveLength(1)
    expect(named('Invite a person')).toBeUndefined()
    expect(named('Add a device')).toBeDefined()
    expect(named('Let Lost back in')).toBeUndefined()
  })

  it('lets a guest change nothing, and says so', async () => {
    const guest = { id: 'p2', name: 'Boris', role: 'guest' as const }
    await open({ ...membersOwn, people: [guest] })
    expect(page.text()).toContain('Guests cannot add or change devices.')
    expect(page.findAll('button')).toHaveLength(0)
  })

  it('says what cannot be done while the PC is away, and takes nothing for live', async () => {
    await open()
    outside.standing(disconnected)
    await flushPromises()
    expect(page.text()).toContain('Nothing can be changed until it is connected.')
    expect(page.text()).not.toMatch(/Connected now|7ZRA/)
    expect(named('Add a device')!.attributes('disabled')).toBeDefined()
  })

  it('speaks Russian', async () => {
    await open(family, 'ru')
      expect(page.text()).toMatch(/Владелец.*Вы.*Это устройство.*Сейчас на связи · Напрямую/)
    expect(page.text()).not.toMatch(/devices\.|invitation\.|Connected/)
  })
})

describe('a device', () => {
  const menu = (name: string, item: number): DOMWrapper<Element> => {
    const found = page.findAll('.device').find((one) => one.text().includes(name))!
    return found.findAll('[role=menuitem]')[item]!
  }

  it('is renamed', async () => {
    await open()
    await menu('Phone', 0).trigger('click')
    await flushPromises()
    await page.get('dialog input').setValue('  Red phone ')
    await submit()
    expect(last()).toMatchObject({ type: 'rename_device', device: deviceId('Phone'), name: 'Red phone' })
  })

  it('is removed after the dialog has said what that does', async () => {
    await open()
    const before = outside.sent.length
    await menu('Phone', 1).trigger('click')
    await flushPromises()
    expect(page.get('dialog').text()).toMatch(/cut off at once.*offline for long/)
    expect(page.get('dialog').text()).not.toContain('the device that you are using')
    expect(outside.sent).toHaveLength(before)
    await page.get('dialog .button-danger').trigger('click')
    expect(last()).toMatchObject({ type: 'revoke_device', device: deviceId('Phone') })
  })

  it('that is this one, and the owner’s last, is removed with two more warnings', async () => {
    await open({ ...family, devices: [device('Laptop', 'p1', { live: [live] })] })
    await menu('Laptop', 1).trigger('click')
    await flushPromises()
    expect(page.get('dialog').text()).toMatch(/the device that you are using.*owner’s last device/)
  })

  it('stays when the PC refuses, and a sentence says why', async () => {
    await open()
    await press('Let Old tablet back in')
    await say({ type: 'request_refused', id: last().id, code: 'not_allowed', message: '' })
    expect(page.get('section [role=alert]').text()).toBe('Only the owner of the PC may do this.')
  })
})

describe('adding a device', () => {
  async function begin(method: 'secret' | 'compare'): Promise<void> {
    await open()
    await press('Add a device')
    if (method === 'compare') await page.findAll('dialog input[type=radio]')[1]!.setValue(true)
    await submit()
    await opened(method === 'secret' ? '7ZRA0W4KM4TQ9XKD' : null)
  }

  it('is for whom the owner chooses', async () => {
    await open()
    await press('Add a device')
    await page.get('dialog select').setValue('p2')
    await submit()
    expect(last()).toMatchObject({ type: 'open_invitation', person: 'p2', method: 'secret' })
  })

  it('shows a QR, the code in groups of four, and how long it is good', async () => {
    await begin('secret')
    await vi.dynamicImportSettled()
    await flushPromises()
    const dialog = page.get('dialog')
    expect(dialog.get('svg[role=img] path').attributes('d')).toMatch(/^M4 4h7v1H4z/)
    expect(dialog.findAll('.code > [aria-hidden]').map((group) => group.text())).toEqual(
      ['7ZRA', '0W4K', 'M4TQ', '9XKD'],
    )
    expect(dialog.text()).toContain('for 120 more seconds')
  })

  it('takes an expired code away, and offers a new one', async () => {
    await begin('secret')
    await say({ type: 'invitation_ended', code: 'pairing_expired', message: '' })
    expect(page.get('dialog').text()).toContain('The two minutes are over')
    expect(page.find('dialog .code').exists()).toBe(false)
    await press('New code')
    expect(last().type).toBe('open_invitation')
  })

  it('knows by its own clock when a code has expired', async () => {
    await begin('secret')
    outside.clock.sleep(120_000)
    vi.advanceTimersByTime(1_000)
    await flushPromises()
    expect(page.get('dialog').text()).toContain('The two minutes are over')
  })

  it('says whose the new device is', async () => {
    await begin('secret')
    outside.say({ ...family, devices: [...family.devices, device('iPad', 'p1')] })
    await say({ type: 'invitation_ended', device: deviceId('iPad') })
    expect(page.get('dialog').text()).toContain('“iPad” is now a device of Anna.')
  })

  for (const [name, equal] of [['The same', true], ['Different', false]] as const) {
    it(`by comparing asks whether the codes are equal: ${name}`, async () => {
      await begin('compare')
      await say({ type: 'pairing_asked', code: 'M4TQ9XKD', name: 'iPad' })
      expect(page.get('dialog').text()).toMatch(/“iPad” wants to join as Anna.*M4TQ9XKD/)
      await press(name)
      expect(last()).toMatchObject({ type: 'answer_pairing', equal })
      expect(named('The same')).toBeUndefined()
    })
  }

  it('ends with the connection, and says so', async () => {
    await begin('compare')
    outside.standing(disconnected)
    await flushPromises()
    expect(page.get('dialog').text()).toContain('The connection to your PC was lost')
  })

  it('is closed at the PC when the dialog is', async () => {
    await begin('secret')
    page.get('dialog').element.dispatchEvent(new Event('close'))
    await flushPromises()
    expect([last().type, page.find('dialog').exists()]).toEqual(['close_invitation', false])
  })
})

describe('inviting a person', () => {
  it('adds them by role, and goes straight to their first device', async () => {
    await open()
    await press('Invite a person')
    expect(page.get('dialog').text()).toContain('their chats are not kept on the PC')
    await page.get('dialog input[type=text]').setValue('Carla')
    await page.findAll('dialog input[type=radio]')[1]!.setValue(true)
    await submit()
    expect(last()).toMatchObject({ type: 'add_person', name: 'Carla', role: 'guest' })
    const carla = { id: 'p3', name: 'Carla', role: 'guest' as const }
    outside.say({ type: 'done', id: last().id })
    await say({ ...family, people: [...family.people, carla] })
    expect(last()).toMatchObject({ type: 'open_invitation', person: 'p3', method: 'secret' })
  })

  it('wants a name', async () => {
    await open()
    await press('Invite a person')
    await page.get('dialog input[type=text]').setValue('   ')
    await submit()
    expect(page.get('dialog').text()).toContain('Write a name first.')
    expect(last().type).toBe('watch_household')
  })
})
