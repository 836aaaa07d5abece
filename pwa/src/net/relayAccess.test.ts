import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { until } from '../../tests/support/until'
import type { RelayAccess } from '../protocol/generated'
import { RelayServers } from './relayAccess'

const full: RelayAccess = {
  stun: ['stun:vds.example:3478'],
  turn: ['turn:vds.example:3478?transport=udp', 'turns:[2001:db8::1]:5349?transport=tcp'],
  username: '1700000600:someone',
  credential: 'secret',
  expires_in_s: 600,
}
const asServers = [
  { urls: full.stun },
  { urls: full.turn, username: '1700000600:someone', credential: 'secret' },
]

let clock: TestClock
let asked: { path: string; token: string | null }[]
let answer: () => Promise<Response>
let token: () => Promise<string>
let servers: RelayServers

beforeEach(() => {
  clock = new TestClock()
  asked = []
  token = () => Promise.resolve('token')
  says(full)
  servers = new RelayServers({
    clock,
    token: () => token(),
    fetch: (path, init) => {
      asked.push({ path: String(path), token: new Headers(init?.headers).get('authorization') })
      return answer()
    },
  })
})

function says(access: object): void {
  answer = () => Promise.resolve(Response.json(access))
}

describe('the servers of a connection', () => {
  it('are those that the VDS names to this person, with the credentials of its relay', async () => {
    expect(await servers.iceServers()).toEqual(asServers)
    expect(asked).toEqual([{ path: '/api/relay', token: 'Bearer token' }])
  })

  it('are without a relay where there is none for this person', async () => {
    says({ stun: full.stun, turn: [], expires_in_s: 600 })
    expect(await servers.iceServers()).toEqual([{ urls: full.stun }])
  })

  it.each([
    ['refuses', () => Promise.resolve(new Response('{}', { status: 401 }))],
    ['says something else', () => Promise.resolve(new Response('<html>'))],
    ['is not there', () => Promise.reject(new Error('No network.'))],
  ])('are none where the VDS %s', async (_, reply) => {
    answer = reply
    expect(await servers.iceServers()).toEqual([])
  })

  it('are none where nobody is logged in', async () => {
    token = () => Promise.reject(new Error('Nobody is.'))
    expect(await servers.iceServers()).toEqual([])
    expect(asked).toEqual([])
  })

  it('are none where the VDS is slow, and are there for the next', async () => {
    let reply: (response: Response) => void = () => undefined
    answer = () => new Promise((resolve) => (reply = resolve))
    const first = servers.iceServers()
    await until(() => asked.length > 0)
    clock.pass(1_000)
    expect(await first).toEqual([])
    reply(Response.json(full))
    expect(await servers.iceServers()).toEqual(asServers)
    expect(asked).toHaveLength(1)
  })
})

it('is asked for servers anew where the question was lost with the network', async () => {
  answer = () => new Promise(() => undefined)
  const first = servers.iceServers()
  await until(() => asked.length > 0)
  clock.pass(5_000)
  expect(await first).toEqual([])
  says(full)
  expect(await servers.iceServers()).toEqual(asServers)
})

describe('what the VDS named', () => {
  it.each([
    'http://vds.example',
    'turn:vds.example:3478',
    'stun:vds.example?transport=udp',
    'stun:',
    'stun:user@vds.example',
    'stun:vds.example:0',
    'stun:vds.example:65536',
    'stun:[vds]:3478',
    'stun:[::1',
    'stun:[1:2]:3478',
    'stun://vds.example',
    'stun:vds.example\n',
  ])('is no STUN server: %j', async (url) => {
    says({ ...full, stun: [url, 'stun:good.example'] })
    expect((await servers.iceServers())[0]).toEqual({ urls: ['stun:good.example'] })
  })

  it.each(['stun:vds.example', 'turn:vds.example?transport=sctp', 'turn:vds.example?x=y', 'javascript:1'])(
    'is no relay: %s',
    async (url) => {
      says({ ...full, turn: [url] })
      expect(await servers.iceServers()).toEqual([{ urls: full.stun }])
    },
  )

  it.each([{ username: null }, { credential: '' }])('is no relay with %j', async (lack) => {
    says({ ...full, ...lack })
    expect(await servers.iceServers()).toEqual([{ urls: full.stun }])
  })
})

describe('what is kept', () => {
  it('is renewed with nobody dialing, until it is forgotten', async () => {
    await servers.keep()
    clock.pass(271_000)
    await until(() => asked.length === 2)
    await servers.access()
    servers.forget()
    clock.pass(600_000)
    expect(asked).toHaveLength(2)
  })

  it('is asked for soon again by who has no relay yet, and less and less often', async () => {
    says({ stun: full.stun, turn: [], expires_in_s: 600 })
    await servers.keep()
    const times: number[] = []
    for (let second = 1; second <= 120; second++) {
      const before = asked.length
      clock.pass(1_000)
      await Promise.resolve()
      await new Promise((done) => setTimeout(done, 0))
      if (asked.length > before) times.push(second)
    }
    expect(times[0]).toBeLessThanOrEqual(3)
    expect(times.length).toBeLessThan(8)
    says(full)
    clock.pass(120_000)
    await until(() => asked.length > times.length + 1)
    expect(await servers.iceServers()).toEqual(asServers)
  })
})

describe('credentials', () => {
  async function later(ms: number) {
    clock.pass(ms)
    return servers.iceServers()
  }

  it('are asked for once while they are good', async () => {
    await servers.iceServers()
    await later(269_000)
    expect(asked).toHaveLength(1)
  })

  it('are renewed beside the connection that uses them', async () => {
    await servers.iceServers()
    answer = () => new Promise(() => undefined)
    expect(await later(270_000)).toEqual(asServers)
    await until(() => asked.length === 2)
    expect(await later(4_999)).toEqual(asServers)
    expect(asked).toHaveLength(2)
  })

  it('are not handed out in their last minute', async () => {
    await servers.iceServers()
    answer = () => Promise.reject(new Error('No network.'))
    expect(await later(540_000)).toEqual([])
  })

  it('are asked for again soon where the relay was refused', async () => {
    says({ stun: full.stun, turn: [], expires_in_s: 600 })
    await servers.iceServers()
    says(full)
    expect(await later(10_000)).toEqual(asServers)
  })

  it('are forgotten with the person, also those on their way', async () => {
    let reply: (response: Response) => void = () => undefined
    answer = () => new Promise((resolve) => (reply = resolve))
    const first = servers.iceServers()
    await until(() => asked.length > 0)
    servers.forget()
    reply(Response.json(full))
    expect(await first).toEqual([])
    says({ ...full, username: 'another' })
    expect((await servers.iceServers())[1]).toMatchObject({ username: 'another' })
    servers.forget()
    answer = () => Promise.reject(new Error('No network.'))
    expect(await servers.iceServers()).toEqual([])
  })
})
