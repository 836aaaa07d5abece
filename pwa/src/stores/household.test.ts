import { flushPromises } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { family } from '../../tests/support/household'
import { TestServices } from '../../tests/support/services'
import { disconnected } from '../net/connection'
import type { Request } from '../protocol/generated'
import { useChats } from './chats'
import { type Outcome, useHousehold } from './household'

let outside: TestServices
const home = 'a'.repeat(32)
const secret = '7ZRA0W4K7ZRA0W4K'

beforeEach(() => {
  outside = new TestServices()
  useChats()
  outside.connect()
})

const asked = () => outside.sent as Request[]
const last = () => asked().at(-1)!
const watches = () => asked().filter(({ type }) => type === 'watch_household').length
const answer = () => {
  outside.say({ type: 'done', id: last().id })
}

function open(method: 'secret' | 'compare' = 'secret') {
  const store = useHousehold()
  const outcome = store.openInvitation('p1', method)
  const opened = { home, secret: method === 'secret' ? secret : null, life_ms: 120_000 }
  outside.say({ type: 'invitation_opened', id: last().id, ...opened })
  return { store, outcome }
}

describe('following the household', () => {
  it('asks once a connection, and again after each reconnect', () => {
    const store = useHousehold()
    store.follow()
    store.follow()
    expect(watches()).toBe(1)
    outside.standing(disconnected)
    expect(watches()).toBe(1)
    outside.connect()
    expect(watches()).toBe(2)
  })

  it('asks again when another road took the place of the one in use', () => {
    const store = useHousehold()
    store.follow()
    outside.connect()
    expect(watches()).toBe(2)
    expect(store.refusal).toBeNull()
  })

  it('waits for a connection, and asks no more once nobody needs it', () => {
    outside.standing(disconnected)
    const unfollow = useHousehold().follow()
    expect(watches()).toBe(0)
    unfollow()
    outside.connect()
    expect(watches()).toBe(0)
  })

  it('shows who is here, who asks, and by which device', () => {
    const store = useHousehold()
    expect(store.household).toBeNull()
    store.follow()
    outside.say(family)
    expect([store.me?.name, store.thisDevice?.name, store.isOwner]).toEqual(['Anna', 'Laptop', true])
    outside.say({ ...family, person: 'p2', device: null })
    expect([store.me?.name, store.thisDevice, store.isOwner]).toEqual(['Boris', null, false])
  })

  it('keeps what it knows while the PC is away', () => {
    const store = useHousehold()
    store.follow()
    outside.say(family)
    outside.standing(disconnected)
    expect(store.people).toHaveLength(2)
  })

  it('says why the PC does not tell', async () => {
    const store = useHousehold()
    store.follow()
    outside.say({ type: 'request_refused', id: last().id, code: 'not_allowed', message: '' })
    await flushPromises()
    expect(store.refusal).toBe('not_allowed')
  })
})

const actions: [string, (store: ReturnType<typeof useHousehold>) => Promise<Outcome>, object][] = [
  ['rename_person', (s) => s.renamePerson('p2', 'Boris B.'), { person: 'p2', name: 'Boris B.' }],
  ['rename_device', (s) => s.renameDevice('d', 'Desk'), { device: 'd', name: 'Desk' }],
  ['revoke_device', (s) => s.revokeDevice('d'), { device: 'd' }],
  ['readmit_device', (s) => s.readmitDevice('d'), { device: 'd' }],
  ['answer_pairing', (s) => s.answerPairing(true), { equal: true }],
]

describe.each(actions)('%s', (type, act, fields) => {
  it('is asked for and carried out', async () => {
    const outcome = act(useHousehold())
    expect(last()).toEqual({ type, id: expect.any(String) as string, ...fields })
    answer()
    expect(await outcome).toBe('done')
  })

  it('ends with the code of a refusal', async () => {
    const outcome = act(useHousehold())
    outside.say({ type: 'request_refused', id: last().id, code: 'list_refused', message: '' })
    expect(await outcome).toBe('list_refused')
  })

  it('ends when the connection is lost, and is not asked for without one', async () => {
    const outcome = act(useHousehold())
    outside.standing(disconnected)
    expect(await outcome).toBe('lost')
    const before = outside.sent.length
    expect(await act(useHousehold())).toBe('away')
    expect(outside.sent).toHaveLength(before)
  })
})

it('gives each request its own answer', async () => {
  const store = useHousehold()
  const first = store.revokeDevice('a')
  const firstId = last().id
  const second = store.revokeDevice('b')
  answer()
  outside.say({ type: 'request_refused', id: firstId, code: 'not_allowed', message: '' })
  expect([await first, await second]).toEqual(['not_allowed', 'done'])
})

describe('a new person', () => {
  const carla = { id: 'p3', name: 'Carla', role: 'guest' as const }

  for (const [when, replies] of [
    ['before', [() => outside.say({ ...family, people: [...family.people, carla] }), answer]],
    ['after', [answer, () => outside.say({ ...family, people: [...family.people, carla] })]],
  ] as const) {
    it(`is known when the household comes ${when} the answer`, async () => {
      const store = useHousehold()
      store.follow()
      outside.say(family)
      const added = store.addPerson('Carla', 'guest')
      const { id } = last()
      expect(last()).toEqual({ type: 'add_person', id, name: 'Carla', role: 'guest' })
      for (const reply of replies) {
        reply()
        await flushPromises()
      }
      expect(await added).toEqual({ outcome: 'done', person: 'p3' })
    })
  }

  it('is nobody where the PC refuses', async () => {
    const store = useHousehold()
    store.follow()
    const added = store.addPerson('Carla', 'guest')
    outside.say({ type: 'request_refused', id: last().id, code: 'not_allowed', message: '' })
    expect(await added).toEqual({ outcome: 'not_allowed', person: null })
  })

  it('is not waited for beyond the connection', async () => {
    const store = useHousehold()
    store.follow()
    outside.say(family)
    const added = store.addPerson('Carla', 'guest')
    answer()
    await flushPromises()
    outside.standing(disconnected)
    expect(await added).toEqual({ outcome: 'done', person: null })
  })
})

describe('an invitation', () => {
  it('has a link with the home and the secret, and its end by our own clock', async () => {
    const { store, outcome } = open()
    expect(await outcome).toBe('done')
    expect(store.invitation).toEqual({
      person: 'p1',
      method: 'secret',
      link: `${window.location.origin}/pair#${home}.${secret}`,
      secret,
      endsMs: 1_120_000,
      asked: null,
      ended: null,
    })
  })

  it('by comparing has no link, and shows the question of the device', () => {
    const { store } = open('compare')
    expect([store.invitation?.link, store.invitation?.secret]).toEqual([null, null])
    outside.say({ type: 'pairing_asked', code: '7ZRA0W4K', name: 'iPhone' })
    expect(store.invitation?.asked).toEqual({ code: '7ZRA0W4K', name: 'iPhone' })
  })

  it('ends with the device that was paired', () => {
    const { store } = open()
    outside.say({ type: 'invitation_ended', device: 'd' })
    expect(store.invitation?.ended).toEqual({ device: 'd' })
  })

  it('ends with why none was, and stays as it ended', () => {
    const { store } = open()
    outside.say({ type: 'invitation_ended', code: 'pairing_expired', message: '' })
    outside.say({ type: 'pairing_asked', code: '7ZRA0W4K', name: 'iPhone' })
    outside.standing(disconnected)
    expect(store.invitation).toMatchObject({ ended: { code: 'pairing_expired' }, asked: null })
  })

  it('ends with the connection', () => {
    const { store } = open()
    outside.standing(disconnected)
    expect(store.invitation?.ended).toEqual({ code: 'lost' })
  })

  it('does not end by the end of the one before', () => {
    const { store } = open()
    void store.openInvitation('p1', 'secret')
    const { id } = last()
    outside.say({ type: 'invitation_ended', code: 'pairing_closed', message: '' })
    outside.say({ type: 'invitation_opened', id, home, secret, life_ms: 120_000 })
    expect(store.invitation?.ended).toBeNull()
  })

  it('is not shown when another was asked for meanwhile', () => {
    const store = useHousehold()
    void store.openInvitation('p1', 'secret')
    const first = last().id
    void store.openInvitation('p2', 'secret')
    const second = last().id
    outside.say({ type: 'invitation_opened', id: first, home, secret, life_ms: 120_000 })
    expect(store.invitation).toBeNull()
    outside.say({ type: 'invitation_opened', id: second, home, secret, life_ms: 120_000 })
    expect(store.invitation?.person).toBe('p2')
  })

  it('is closed at the PC too', async () => {
    const { store } = open()
    const outcome = store.closeInvitation()
    expect([store.invitation, last().type]).toEqual([null, 'close_invitation'])
    answer()
    expect(await outcome).toBe('done')
  })

  it('that is closed before it came does not come', () => {
    const store = useHousehold()
    void store.openInvitation('p1', 'secret')
    const { id } = last()
    void store.closeInvitation()
    expect(last().type).toBe('close_invitation')
    outside.say({ type: 'invitation_opened', id, home, secret, life_ms: 120_000 })
    expect(store.invitation).toBeNull()
  })

  it('that has ended is closed without a word', async () => {
    const { store } = open()
    outside.say({ type: 'invitation_ended', device: 'd' })
    const before = outside.sent.length
    expect(await store.closeInvitation()).toBe('done')
    expect([store.invitation, outside.sent.length]).toEqual([null, before])
  })

  it('is refused with a code', async () => {
    const store = useHousehold()
    const outcome = store.openInvitation('p2', 'secret')
    outside.say({ type: 'request_refused', id: last().id, code: 'not_allowed', message: '' })
    expect([await outcome, store.invitation]).toEqual(['not_allowed', null])
  })
})

it('forgets the household of whoever logs out', async () => {
  const { useAccount } = await import('./account')
  const account = useAccount()
  await account.logIn({ username: 'anna', password: 'p' })
  const store = useHousehold()
  outside.say(family)
  await account.logOut()
  await flushPromises()
  expect(store.household).toBeNull()
})
