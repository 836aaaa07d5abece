import { describe, expect, it } from 'vitest'
import { fingerprints, fixed, HomeEnd, homeKey, withoutEd25519 } from '../../tests/support/trust'
import { ConnectRun, seeded } from '../../tests/support/trustRun'
import { fromText, toText } from '../protocol/base64'
import type { TrustFromHome } from '../protocol/generated'
import { type ConnectInput, connectMs, connectTable, type Known } from './connect'
import { makeDeviceKey, verify } from './keys'
import { code, commitment, keyId, transcriptOf } from './transcript'

const key = await makeDeviceKey()
const olderKey = await makeDeviceKey(withoutEd25519)
const nonce = fixed('device nonce')

async function known(device = key, more: Partial<Known> = {}): Promise<Known> {
  return {
    deviceId: await keyId(device.publicKey),
    deviceKey: device.publicKey,
    homeKey,
    fingerprints,
    nonce,
    commitment: await commitment(device.publicKey, nonce),
    ...more,
  }
}

async function begin(device = key, more: Partial<Known> = {}) {
  const run = new ConnectRun(await known(device, more), device)
  const home = new HomeEnd()
  home.deviceKey = device.publicKey
  await run.feed({ type: 'start' })
  return { run, home }
}

async function challenge(run: ConnectRun, home: HomeEnd): Promise<TrustFromHome> {
  const answer = await home.answer(run.last)
  if (!answer) throw new Error('no challenge')
  return answer
}

describe.each([
  ['Ed25519', key],
  ['P-256', olderKey],
])('a device with %s', (_, device) => {
  it('is bound, with the code that the home shows', async () => {
    const { run, home } = await begin(device)
    await run.hear(await challenge(run, home))
    const proof = run.last
    if (proof.type !== 'prove') throw new Error(proof.type)
    expect(fromText(proof.nonce)).toEqual(nonce)
    const data = transcriptOf(home.transcript, 'device')
    expect(await verify(device.publicKey, fromText(proof.signature), data)).toBe(true)
    expect(run.connect.state).toBe('proved')
    await run.hear({ type: 'bound' })
    expect(run.connect.state).toBe('bound')
    expect(run.connect.dueMs).toBeNull()
    const { transcript } = run.connect
    expect(transcript && (await code(transcript, nonce))).toBe(await code(home.transcript, nonce))
  })
})

it('shows nothing but its id and a commitment before the home has proved itself', async () => {
  const { run } = await begin()
  const { deviceId: device, commitment } = run.connect.known
  expect(run.sent).toEqual([
    { type: 'introduce', version: 1, device, commitment: toText(commitment) },
  ])
})

describe('takes for an attack, and sends no more,', () => {
  const attacks: Record<string, (home: HomeEnd) => void> = {
    'another certificate at the home’s end': (home) => {
      home.fingerprints = { ...fingerprints, home: fixed('middle') }
    },
    'another certificate at its own end': (home) => {
      home.fingerprints = { ...fingerprints, device: fixed('middle') }
    },
    'both ends swapped': (home) => {
      home.fingerprints = { home: fingerprints.device, device: fingerprints.home }
    },
    'another device’s challenge': (home) => {
      home.deviceKey = olderKey.publicKey
    },
  }
  it.each(Object.entries(attacks))('%s', async (_, change) => {
    const { run, home } = await begin()
    change(home)
    await run.hear(await challenge(run, home))
    expect(run.connect.state).toBe('attack')
    expect(run.sent).toHaveLength(1)
    await run.hear({ type: 'bound' })
    expect(run.connect.state).toBe('attack')
  })

  it('a home with another key than was pinned', async () => {
    const { run, home } = await begin(key, { homeKey: (await makeDeviceKey()).publicKey })
    await run.hear(await challenge(run, home))
    expect(run.connect.state).toBe('attack')
  })

  it('an answer of an earlier session', async () => {
    const { run: before, home } = await begin()
    const old = await challenge(before, home)
    const other = fixed('a fresh nonce')
    const { run } = await begin(key, {
      nonce: other,
      commitment: await commitment(key.publicKey, other),
    })
    await run.hear(old)
    expect(run.connect.state).toBe('attack')
  })

  it('a signature in the device’s role, reflected', async () => {
    const { run, home } = await begin()
    await home.answer(run.last)
    const reflected = await home.signature('device')
    await run.hear({ type: 'challenge', nonce: toText(home.nonce), signature: reflected })
    expect(run.connect.state).toBe('attack')
  })
})

it('is refused with the home’s code', async () => {
  const { run } = await begin()
  await run.hear({ type: 'error', code: 'device_revoked', message: 'No.' })
  expect(run.connect).toMatchObject({ state: 'refused', code: 'device_revoked', dueMs: null })
})

it('refuses what is no message here, and what has no place', async () => {
  const { run } = await begin()
  await run.feed({ type: 'bad', code: 'unknown_type' })
  expect(run.connect).toMatchObject({ state: 'refused', code: 'unknown_type' })
  const { run: other } = await begin()
  await other.hear({ type: 'paired' })
  expect(other.connect).toMatchObject({ state: 'refused', code: 'malformed' })
})

it('gives up after five seconds, and not before', async () => {
  const { run } = await begin()
  run.nowMs += connectMs - 1
  await run.feed({ type: 'due' })
  expect(run.connect.state).toBe('introduced')
  run.nowMs += 1
  await run.feed({ type: 'due' })
  expect(run.connect.state).toBe('timeout')
})

it('takes no right answer that comes too late', async () => {
  const { run, home } = await begin()
  const late = await challenge(run, home)
  run.nowMs += connectMs
  await run.hear(late)
  expect(run.connect.state).toBe('timeout')
  expect(run.sent).toHaveLength(1)
})

it('signs nothing while the home’s signature is still being looked at', async () => {
  const { run, home } = await begin()
  const [effect] = run.take({ type: 'message', message: await challenge(run, home) })
  expect(effect?.type).toBe('check')
  await run.hear({ type: 'bound' })
  expect(run.connect.state).toBe('refused')
  if (effect) await run.perform(effect)
  expect(run.connect.state).toBe('refused')
  expect(run.sent).toHaveLength(1)
})

it('signs once, whatever the home asks for then', async () => {
  const { run, home } = await begin()
  const right = await challenge(run, home)
  await run.hear(right)
  await run.hear(right)
  expect(run.connect.state).toBe('refused')
  expect(run.sent).toHaveLength(2)
})

it('is never bound, nor signs, in any order of what others can say', async () => {
  const { run: before, home: elsewhere } = await begin()
  const replayed = await challenge(before, elsewhere)
  const { run: leg, home: middle } = await begin()
  middle.fingerprints = { ...fingerprints, home: fixed('middle') }
  const relayed = await challenge(leg, middle)
  const fresh = fixed('a fresh nonce')
  const own = { nonce: fresh, commitment: await commitment(key.publicKey, fresh) }
  const { run: twin, home } = await begin(key, own)
  const right = await challenge(twin, home)
  const hostile: ConnectInput[] = [
    { type: 'message', message: replayed },
    { type: 'message', message: relayed },
    { type: 'message', message: { type: 'bound' } },
    { type: 'message', message: { type: 'paired' } },
    { type: 'message', message: { type: 'error', code: 'internal', message: '' } },
    { type: 'bad', code: 'unknown_type' },
    { type: 'start' },
    { type: 'due' },
  ]
  const random = seeded(7)
  let bound = 0
  for (let round = 0; round < 400; round++) {
    const { run } = await begin(key, own)
    let proved = false
    for (let turn = 0; turn < 6; turn++) {
      run.nowMs += random(8) === 0 ? random(connectMs) : 0
      const honest = random(3) === 0
      if (honest && run.connect.state === 'introduced') proved = true
      const input = honest ? { type: 'message' as const, message: right } : hostile[random(8)]!
      await run.feed(input)
      if (!proved) expect(run.sent).toHaveLength(1)
      if (run.connect.state === 'bound') expect(proved).toBe(true)
    }
    bound += run.connect.state === 'bound' ? 1 : 0
  }
  expect(bound).toBeGreaterThan(5)
})

it('has one way into bound, and none out of an end', () => {
  const ways = Object.entries(connectTable).flatMap(([state, row]) =>
    Object.entries(row)
      .filter(([, [then]]) => then === 'bound')
      .map(([kind]) => `${state} ${kind}`),
  )
  expect(ways).toEqual(['proved bound'])
  expect(connectTable.checking.right).toEqual(['signing', 'sign'])
  for (const end of ['bound', 'attack', 'refused', 'timeout'] as const) {
    expect(connectTable[end]).toEqual({})
  }
})
