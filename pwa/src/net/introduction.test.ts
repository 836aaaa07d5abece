import { beforeEach, describe, expect, it } from 'vitest'
import type { HomeLine } from '../../tests/support/homeLine'
import { LinkRun } from '../../tests/support/linkRun'
import { seeded, welcomeOf } from '../../tests/support/messages'
import { ticket } from '../../tests/support/ticket'
import { fingerprints, fixed, HomeEnd, homeKey } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import { connectMs } from '../trust/connect'
import { makeDeviceKey } from '../trust/keys'
import { code } from '../trust/transcript'
import { introduction } from './introduction'

const key = await makeDeviceKey()
const other = await makeDeviceKey()
const welcome = welcomeOf(5, { heartbeat_s: 0 })
const order = { type: 'stop_answer', id: 'a', answer: 'b' } as const

let nonces: number
let run: LinkRun

beforeEach(() => {
  nonces = 0
  run = paired()
})

/** A device that has pinned a home. */
function paired(pinned = homeKey, deviceKey = () => Promise.resolve<typeof key | null>(key)): LinkRun {
  const makeNonce = () => fixed(`nonce ${String(++nonces)}`)
  return new LinkRun((clock) => introduction({ clock, deviceKey, makeNonce }, () => pinned))
}

function knowing(device = key): HomeEnd {
  const home = new HomeEnd()
  home.deviceKey = device.publicKey
  return home
}

async function dialed(home = knowing()): Promise<HomeLine> {
  await run.start()
  return run.answeredBy(home)
}

describe('a device that the home knows', () => {
  it('is bound, says hello on the same channel, and is told the code that the home shows', async () => {
    const line = await dialed()
    await line.answer(2)
    expect(line.channel.types()).toEqual(['introduce', 'prove', 'hello'])
    line.say(welcome)
    await until(() => run.told.length > 1)
    expect(run.told).toEqual(['welcomed', await code(line.home.transcript, fixed('nonce 1'))])
    expect([run.said, run.state]).toEqual([[welcome], 'speaking'])
  })

  it('is told how the home is dialed the next time, where the home says so', async () => {
    const line = await dialed()
    await line.answer()
    await line.next()
    await until(() => line.channel.types().includes('prove'))
    line.say({ type: 'bound', lan: ticket })
    expect(run.tickets).toEqual([ticket])
  })

  it('understands what comes with the very word that binds it', async () => {
    const line = await dialed()
    await line.answer()
    await line.next()
    await until(() => line.channel.types().includes('prove'))
    line.say({ type: 'bound' })
    line.say(welcome)
    expect(run.said).toEqual([welcome])
  })

  it('uses another nonce for each channel', async () => {
    const first = await dialed()
    const said = await first.next()
    first.channel.onclose?.(new Event('close'))
    run.clock.pass(500)
    const again = run.answeredBy(knowing())
    const saidAgain = await again.next()
    expect([said.type, saidAgain.type, nonces]).toEqual(['introduce', 'introduce', 2])
    expect(saidAgain).not.toEqual(said)
  })
})

describe('nothing of a chat', () => {
  const early: [string, Parameters<HomeLine['say']>[0]][] = [
    ['a welcome', welcome],
    ['an event', { type: 'events', events: [], upto: 1 }],
    ['a heartbeat', { type: 'heartbeat', sent_ms: 1 }],
    ['a word of the household', { type: 'done', re: '00000000-0000-7000-8000-000000000001' }],
    ['bound, which it is not', { type: 'bound' }],
    ['paired, which it is not', { type: 'paired' }],
  ]
  it.each(early)('is sent or understood when %s comes first', async (_, message) => {
    const line = await dialed()
    await line.next()
    line.say(message)
    run.link.send(order)
    expect([line.channel.types(), run.said, run.state]).toEqual([['introduce'], [], 'resting'])
    expect([line.channel.closed, run.told]).toEqual([true, []])
  })

  it('leaves before bound, in whatever order messages come', async () => {
    const random = seeded(11)
    let bound = 0
    for (let round = 0; round < 60; round++) {
      nonces = 0
      run = paired()
      const line = await dialed()
      const right = (await line.home.answer(await line.next()))!
      const wrong = [...early.map(([, message]) => message), right]
      for (let turn = 0; turn < 4 && run.state === 'proving'; turn++) {
        const proved = line.channel.types().includes('prove')
        const honest = random() < 0.7
        const word = honest ? (proved ? { type: 'bound' } : right) : wrong[Math.floor(random() * 7)]!
        line.say(word)
        run.link.send(order)
        const isBound = proved && word.type === 'bound'
        if (isBound) bound++
        expect(line.channel.types().slice(proved ? 2 : 1)).toEqual(isBound ? ['hello'] : [])
        // Now and then the next word comes while the signature is still being looked at.
        if (word !== right || random() < 0.3) continue
        await until(() => line.channel.types().includes('prove') || run.state !== 'proving')
      }
      expect(run.said).toEqual([])
    }
    expect(bound).toBeGreaterThan(10)
  })
})

describe('takes for an attack, and says no more to anybody,', () => {
  async function attacked(line: HomeLine): Promise<void> {
    await line.answer()
    await until(() => run.told.length > 0)
    const frames = line.channel.frames.length
    line.say({ type: 'bound' })
    run.link.send(order)
    run.link.wake()
    run.clock.pass(600_000)
    expect([run.told, line.channel.types(), line.channel.closed]).toEqual([['attack'], ['introduce'], true])
    expect([line.channel.frames.length, run.calls.length, run.state]).toEqual([frames, 1, 'off'])
  }

  it('a home with another key than was pinned', async () => {
    run = paired(other.publicKey)
    await attacked(await dialed())
  })

  it('who stands between, with a certificate of its own', async () => {
    await run.start()
    await attacked(run.answeredBy(knowing(), { ...fingerprints, home: fixed('middle') }))
  })

  it('a home that knows another device by this name', async () => {
    await attacked(await dialed(knowing(other)))
  })
})

describe('a try that comes to nothing', () => {
  it('is given up after five seconds, and made again', async () => {
    const line = await dialed()
    await line.next()
    run.clock.pass(connectMs - 1)
    expect([run.state, line.channel.closed]).toEqual(['proving', false])
    run.clock.pass(1)
    expect([run.state, line.channel.closed]).toEqual(['resting', true])
    run.clock.pass(500)
    expect([run.calls.length, run.told]).toEqual([2, []])
  })

  it('is made again, ever more slowly, where the home cannot say yes now', async () => {
    await run.start()
    for (let tries = 1; tries <= 3; tries++) {
      const line = run.answeredBy(knowing())
      await line.next()
      line.say({ type: 'error', code: 'too_late', message: '' })
      expect([run.state, run.connection.lines.signaled.failures]).toEqual(['resting', tries])
      run.clock.pass(400 * 2 ** tries)
    }
    expect(run.told).toEqual([])
  })

  it('is made again where the browser did not give the key this time', async () => {
    run = paired(homeKey, () => Promise.resolve(null))
    const line = await dialed()
    await until(() => run.state === 'resting')
    expect(line.channel.frames).toEqual([])
  })
})

it.each(['device_unknown', 'device_revoked', 'unsupported_version'])(
  'ends for good when the home says %s',
  async (refusal) => {
    const line = await dialed()
    await line.next()
    line.say({ type: 'error', code: refusal, message: '' })
    run.clock.pass(600_000)
    expect([run.told, run.state, run.calls.length]).toEqual([[refusal], 'off', 1])
  },
)
