import { beforeEach, describe, expect, it } from 'vitest'
import type { HomeLine } from '../../tests/support/homeLine'
import { LinkRun } from '../../tests/support/linkRun'
import { fixed, HomeEnd, homeId, homeKey } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import type { Bytes } from '../trust/bytes'
import { makeDeviceKey } from '../trust/keys'
import { pairingMs } from '../trust/pairing'
import { code } from '../trust/transcript'
import { type Asked, pairing, type PairingOpening } from './pairing'

const key = await makeDeviceKey()
const secret = fixed('secret').slice(0, 10)
const byQr: Asked = { secret, homeId, name: 'Linux' }
const byComparing: Asked = { secret: null, homeId: null, name: 'Linux' }

let nonces: number
let opening: PairingOpening
let run: LinkRun
/** What the app was told, in order. */
let told: string[]
let pinned: Bytes[]
let pin: () => Promise<boolean>

beforeEach(() => {
  nonces = 0
  told = []
  pinned = []
  pin = () => Promise.resolve(true)
})

async function invited(invitation: Asked, home = new HomeEnd()): Promise<HomeLine> {
  run = new LinkRun((clock) => {
    const makeNonce = () => fixed(`nonce ${String(++nonces)}`)
    const options = { clock, makeNonce, deviceKey: () => Promise.resolve(key) }
    opening = pairing(options, invitation, {
      onBegun: () => void told.push('begun'),
      onCode: (shown) => void told.push(shown),
      pin: (homeKey) => {
        pinned.push(homeKey)
        told.push('pin')
        return pin()
      },
      onPaired: () => void told.push('paired'),
      onFailed: (failure) => void told.push(failure),
    })
    return opening.open
  })
  await run.start()
  home.secret = invitation.secret
  return run.answeredBy(home)
}

/** The first introduction after a pairing. */
async function introduced(line: HomeLine): Promise<void> {
  await line.answer(2)
  expect(line.channel.types().slice(-3)).toEqual(['introduce', 'prove', 'hello'])
  expect(run.state).toBe('greeting')
}

it('by secret pins the home only once it is on the home’s list, then is introduced', async () => {
  const line = await invited(byQr)
  await line.answer(2)
  const confirmation = await line.next()
  expect([confirmation.type, told]).toEqual(['pair_confirm', ['begun']])
  line.say({ type: 'paired' })
  await until(() => told.includes('paired'))
  expect([told, pinned]).toEqual([['begun', 'pin', 'paired'], [homeKey]])
  await introduced(line)
  // One for the pairing and one for the introduction, so that neither signs for the other.
  expect(nonces).toBe(2)
})

describe('by comparing', () => {
  async function compared(): Promise<HomeLine> {
    const line = await invited(byComparing)
    await line.answer()
    await line.next()
    await until(() => told.length > 1)
    return line
  }

  it('shows the code that the home shows, and pins after the word of both people', async () => {
    const line = await compared()
    expect(told).toEqual(['begun', await code(line.home.transcript, fixed('nonce 1'))])
    line.say(await line.home.accept())
    expect(line.channel.types().slice(-1)).toEqual(['pair_reveal'])
    opening.answer(true)
    await line.answer()
    await until(() => told.includes('paired'))
    expect(pinned).toEqual([homeKey])
    await introduced(line)
  })

  it('pins nothing where the person here says no, whatever the home said', async () => {
    const line = await compared()
    line.say(await line.home.accept())
    opening.answer(false)
    line.say({ type: 'paired' })
    expect([told.at(-1), pinned]).toEqual(['declined', []])
  })

  it('pins nothing where the person at the home says no', async () => {
    const line = await compared()
    opening.answer(true)
    line.say({ type: 'error', code: 'pairing_declined', message: '' })
    expect([told.at(-1), pinned]).toEqual(['pairing_declined', []])
  })

  it('is given up where people take too long', async () => {
    await compared()
    run.clock.pass(pairingMs.compare)
    expect([told.at(-1), pinned]).toEqual(['timeout', []])
  })
})

describe('pins nothing and says no more', () => {
  it('to another home than the one of the QR', async () => {
    const line = await invited({ ...byQr, homeId: '0'.repeat(32) })
    await line.answer()
    await until(() => told.length > 1)
    line.say({ type: 'paired' })
    expect([told, run.told, pinned]).toEqual([['begun', 'attack'], ['attack'], []])
    expect([line.channel.types(), line.channel.closed, run.state]).toEqual([['pair_request'], true, 'off'])
  })

  it('to a home that does not know the secret', async () => {
    const line = await invited(byQr)
    line.home.secret = fixed('guess').slice(0, 10)
    await line.answer(2)
    await until(() => told.length > 1)
    expect([told, run.told, pinned]).toEqual([['begun', 'attack'], ['attack'], []])
    expect(line.channel.types()).toEqual(['pair_request', 'pair_reveal'])
  })

  it('to who says paired before its time', async () => {
    const line = await invited(byQr)
    await line.answer()
    await line.next()
    line.say({ type: 'paired' })
    expect([told, pinned]).toEqual([['begun', 'malformed'], []])
  })

  it('to who speaks of chats', async () => {
    const line = await invited(byQr)
    await line.next()
    line.say({ type: 'welcome', version: 1, head: 5, model: 'm', heartbeat_s: 2 })
    run.link.send({ type: 'stop_answer', id: 'a', answer: 'b' })
    expect([told, run.said, line.channel.types()]).toEqual([['begun', 'unknown_type'], [], ['pair_request']])
  })
})

it('fails with the home’s code', async () => {
  const line = await invited(byQr)
  await line.next()
  line.say({ type: 'error', code: 'pairing_expired', message: '' })
  expect(told).toEqual(['begun', 'pairing_expired'])
})

it('is not begun again by itself where the channel breaks', async () => {
  const line = await invited(byQr)
  await line.answer()
  line.channel.onclose?.(new Event('close'))
  expect(told).toEqual(['begun', 'peer_unreachable'])
})

it('fails where the link is given up under it', async () => {
  await invited(byQr)
  run.calls[0]!.onFailed()
  expect(told).toEqual(['begun', 'peer_unreachable'])
})

it('is not introduced where the browser did not keep the home', async () => {
  pin = () => Promise.resolve(false)
  const line = await invited(byQr)
  await line.answer(3)
  await until(() => told.length > 2)
  expect([told, line.channel.types().at(-1)]).toEqual([['begun', 'pin', 'unkept'], 'pair_confirm'])
})
