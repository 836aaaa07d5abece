import { describe, expect, it } from 'vitest'
import {
  fingerprints,
  fixed,
  HomeEnd,
  homeId,
  homeKey,
  withoutEd25519,
} from '../../tests/support/trust'
import { PairingRun, seeded } from '../../tests/support/trustRun'
import { fromText, toText } from '../protocol/base64'
import type { TrustFromHome } from '../protocol/generated'
import { makeDeviceKey, verify } from './keys'
import { type Invited, type PairingInput, pairingMs, pairingTable } from './pairing'
import { code, commitment, mac, SECRET_BYTES, transcriptOf } from './transcript'

const key = await makeDeviceKey()
const olderKey = await makeDeviceKey(withoutEd25519)
const nonce = fixed('device nonce')
const secret = fixed('secret').subarray(0, SECRET_BYTES)

async function begin(more: Partial<Invited> = {}, device = key) {
  const invited: Invited = {
    secret,
    homeId,
    deviceKey: device.publicKey,
    name: 'Anna’s phone',
    fingerprints,
    nonce,
    commitment: await commitment(device.publicKey, nonce),
    ...more,
  }
  const run = new PairingRun(invited, device)
  const home = new HomeEnd()
  home.secret = invited.secret
  await run.feed({ type: 'start' })
  return { run, home }
}

/** The home's answer to what was sent last. */
async function next(run: PairingRun, home: HomeEnd): Promise<TrustFromHome> {
  const answer = await home.answer(run.last)
  if (!answer) throw new Error('no answer')
  return answer
}

describe.each([
  ['Ed25519', key],
  ['P-256', olderKey],
])('a device with %s', (_, device) => {
  it('pairs by the secret, which is never sent', async () => {
    const { run, home } = await begin({}, device)
    await run.hear(await next(run, home))
    const reveal = run.last
    if (reveal.type !== 'pair_reveal') throw new Error(reveal.type)
    const proof = await mac(secret, transcriptOf(home.transcript, 'device'))
    expect(reveal).toEqual({ type: 'pair_reveal', nonce: toText(nonce), mac: toText(proof) })
    await run.hear(await next(run, home))
    const confirm = run.last
    if (confirm.type !== 'pair_confirm') throw new Error(confirm.type)
    const data = transcriptOf(home.transcript, 'device')
    expect(await verify(device.publicKey, fromText(confirm.signature), data)).toBe(true)
    await run.hear(await next(run, home))
    expect(run.pairing.state).toBe('paired')
    expect(run.pairing.transcript?.homeKey).toEqual(homeKey)
    expect(JSON.stringify(run.sent)).not.toContain(toText(secret))
  })

  it('pairs by comparing, in either order of the two answers', async () => {
    for (const phoneFirst of [true, false]) {
      const { run, home } = await begin({ secret: null, homeId: null }, device)
      await run.hear(await next(run, home))
      expect(run.pairing.state).toBe('comparing')
      const { transcript } = run.pairing
      expect(transcript && (await code(transcript, nonce))).toBe(await code(home.transcript, nonce))
      const accept = await next(run, home)
      if (phoneFirst) await run.feed({ type: 'answered', equal: true })
      await run.hear(accept)
      if (!phoneFirst) {
        expect(run.last.type).toBe('pair_reveal')
        await run.feed({ type: 'answered', equal: true })
      }
      expect(run.last.type).toBe('pair_confirm')
      await run.hear({ type: 'paired' })
      expect(run.pairing.state).toBe('paired')
    }
  })
})

it('takes another home than the scanned one for an attack, before it proves the secret', async () => {
  const { run, home } = await begin({ homeId: '0'.repeat(32) })
  await run.hear(await next(run, home))
  expect(run.pairing.state).toBe('attack')
  expect(run.sent).toHaveLength(1)
})

describe('takes for an attack and never confirms', () => {
  const attacks: Record<string, (home: HomeEnd) => void> = {
    'a home that does not know the secret': (home) => (home.secret = fixed('guess')),
    'a home without a proof': (home) => (home.secret = null),
    'another certificate at the home’s end': (home) =>
      (home.fingerprints = { ...fingerprints, home: fixed('middle') }),
    'another certificate at its own end': (home) =>
      (home.fingerprints = { ...fingerprints, device: fixed('middle') }),
  }
  it.each(Object.entries(attacks))('%s', async (_, change) => {
    const { run, home } = await begin()
    change(home)
    await run.hear(await next(run, home))
    await run.hear(await next(run, home))
    expect(run.pairing.state).toBe('attack')
    expect(run.sent.map(({ type }) => type)).toEqual(['pair_request', 'pair_reveal'])
  })

  it('its own proof and signature, reflected', async () => {
    const { run, home } = await begin()
    await run.hear(await next(run, home))
    const reveal = run.last
    if (reveal.type !== 'pair_reveal') throw new Error(reveal.type)
    const signature = await home.signature('device')
    await run.hear({ type: 'pair_accept', signature, mac: reveal.mac ?? null })
    expect(run.pairing.state).toBe('attack')
  })
})

it('shows another code when somebody stands between', async () => {
  const { run, home } = await begin({ secret: null, homeId: null })
  home.fingerprints = { ...fingerprints, home: fixed('middle') }
  await run.hear(await next(run, home))
  const { transcript } = run.pairing
  expect(transcript && (await code(transcript, nonce))).not.toBe(await code(home.transcript, nonce))
})

it('pins nobody when the person says no, whatever the other end says', async () => {
  for (const accepted of [true, false]) {
    const { run, home } = await begin({ secret: null, homeId: null })
    await run.hear(await next(run, home))
    if (accepted) await run.hear(await next(run, home))
    await run.feed({ type: 'answered', equal: false })
    expect(run.pairing.state).toBe('declined')
    await run.hear({ type: 'paired' })
    expect(run.pairing.state).toBe('declined')
    expect(run.sent).toHaveLength(2)
  }
})

it('is refused with the home’s code', async () => {
  const { run, home } = await begin()
  await run.hear(await next(run, home))
  await run.hear({ type: 'error', code: 'pairing_code_wrong', message: 'No.' })
  expect(run.pairing).toMatchObject({ state: 'refused', code: 'pairing_code_wrong' })
})

it.each(['secret', 'compare'] as const)('gives up in time by %s', async (method) => {
  const { run, home } = await begin({ secret: method === 'secret' ? secret : null })
  const late = await next(run, home)
  run.nowMs += pairingMs[method] - 1
  await run.feed({ type: 'due' })
  expect(run.pairing.state).toBe('requested')
  run.nowMs += 1
  await run.hear(late)
  expect(run.pairing.state).toBe('timeout')
})

it('never confirms a home in any order, without the right proof or the person’s yes', async () => {
  const random = seeded(11)
  let paired = 0
  for (let round = 0; round < 300; round++) {
    const bySecret = random(2) === 0
    const { run, home } = await begin(bySecret ? {} : { secret: null, homeId: null })
    const offer = await next(run, home)
    const accept = await home.accept()
    home.secret = fixed('guess')
    const guessed = await home.accept()
    home.fingerprints = { ...fingerprints, device: fixed('middle') }
    const relayed = await home.accept()
    const messages: TrustFromHome[] = [
      offer,
      accept,
      guessed,
      relayed,
      { type: 'bound' },
      { type: 'paired' },
      { type: 'error', code: 'internal', message: '' },
    ]
    let [accepted, yes] = [false, false]
    for (let turn = 0; turn < 9; turn++) {
      const pick = random(14)
      const forward = [offer, accept, { type: 'paired' as const }][Math.min(turn >> 1, 2)]!
      const message = pick < 8 ? forward : messages[pick % messages.length]!
      const input: PairingInput =
        random(4) === 0
          ? { type: 'answered', equal: random(5) > 0 }
          : { type: 'message', message }
      const { state } = run.pairing
      if (input.type === 'answered') {
        yes ||= input.equal && ['comparing', 'accepted'].includes(state)
      } else if (['revealed', 'comparing', 'approved'].includes(state)) {
        // By comparing there is no secret: the signature alone is what is looked at.
        accepted ||= input.message === accept || (!bySecret && input.message === guessed)
      }
      await run.feed(input)
      const confirmed = run.sent.some(({ type }) => type === 'pair_confirm')
      if (confirmed) expect([accepted, yes || bySecret]).toEqual([true, true])
      if (run.pairing.state === 'paired') expect(confirmed).toBe(true)
    }
    paired += run.pairing.state === 'paired' ? 1 : 0
  }
  expect(paired).toBeGreaterThan(5)
})

it('has one way into paired, and none out of an end', () => {
  const ways = Object.entries(pairingTable).flatMap(([state, row]) =>
    Object.entries(row)
      .filter(([, [then]]) => then === 'paired')
      .map(([kind]) => `${state} ${kind}`),
  )
  expect(ways).toEqual(['confirmed paired'])
  for (const end of ['paired', 'attack', 'declined', 'refused', 'timeout'] as const) {
    expect(pairingTable[end]).toEqual({})
  }
})
