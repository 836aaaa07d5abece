import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { TestPeer } from '../../tests/support/peer'
import { until } from '../../tests/support/until'
import type { RelayAccess } from '../protocol/generated'
import type { DataChannel } from './channel'
import { checkRoads, limitMs, type RoadResults } from './check'
import type { DialHandlers } from './road'

const udp = 'turn:vds.example:3478?transport=udp'
const tcp = 'turn:vds.example:3478?transport=tcp'
const tls = 'turns:vds.example:5349?transport=tcp'
const full: RelayAccess = {
  stun: ['stun:vds.example:3478'],
  turn: [udp, tcp, tls],
  username: 'name',
  credential: 'secret',
  expires_in_s: 600,
}

let clock: TestClock
let peers: TestPeer[]
let results: RoadResults
let access: () => Promise<RelayAccess | null>
let health: (signal: AbortSignal) => Promise<Response>
let isHomeInSight: () => Promise<boolean | null>
let calls: { handlers: DialHandlers; hungUp: boolean }[]
let hasTicket: boolean

beforeEach(() => {
  clock = new TestClock()
  peers = []
  results = {}
  calls = []
  hasTicket = true
  isHomeInSight = () => Promise.resolve(true)
  access = () => Promise.resolve(full)
  health = () => Promise.resolve(Response.json({ status: 'ok' }))
})

function start() {
  return checkRoads({
    clock,
    fetch: (path, init) => {
      if (path !== '/healthz') throw new Error('Nothing else is asked for.')
      return health(init!.signal!)
    },
    isHomeInSight: () => isHomeInSight(),
    direct: hasTicket
      ? (handlers) => {
          const call = { handlers, hungUp: false }
          calls.push(call)
          return { road: () => Promise.resolve('lan'), hangUp: () => (call.hungUp = true) }
        }
      : null,
    access: () => access(),
    makePeer: (configuration) => {
      const peer = new TestPeer(configuration, '')
      peers.push(peer)
      return peer as unknown as RTCPeerConnection
    },
    onResult: (line, result) => (results = { ...results, [line]: result }),
  })
}

/** With everything under way. */
async function begun() {
  const check = start()
  await until(() => peers.length === 4 && 'vds' in results)
  return check
}

/** The peer that asks this one server. */
function peerOf(url: string): TestPeer {
  return peers.find(({ configuration }) =>
    configuration.iceServers!.some(({ urls }) => urls.includes(url)),
  )!
}

/** @param type of a candidate that it found; null: it has found all. */
async function gathers(url: string, type: string | null) {
  const peer = peerOf(url)
  const hear = peer.onicecandidate as (event: object) => void
  hear({ candidate: type && { type, candidate: 'candidate' } })
  await until(() => peer.closed)
}

describe('a check', () => {
  it('tells each line as it comes, with the time that it took', async () => {
    const check = await begun()
    expect(results).toEqual({ pc: { state: 'ok' }, vds: { state: 'ok', ms: 0 } })
    clock.pass(20)
    calls[0]!.handlers.onOpen({} as DataChannel, {} as never)
    await gathers(full.stun[0]!, 'srflx')
    clock.pass(20)
    await gathers(udp, 'relay')
    await gathers(tcp, null)
    await gathers(tls, 'relay')
    await check.done
    expect(results).toEqual({
      vds: { state: 'ok', ms: 0 },
      pc: { state: 'ok' },
      lan: { state: 'ok', ms: 20 },
      p2p: { state: 'ok', ms: 20 },
      relay_udp: { state: 'ok', ms: 40 },
      relay_tcp: { state: 'no' },
      relay_tls: { state: 'ok', ms: 40 },
    })
  })

  it('asks one server a line, and the relay for nothing but itself', async () => {
    await begun()
    const credentials = { username: 'name', credential: 'secret' }
    expect(peers.map(({ configuration }) => configuration)).toEqual([
      { iceServers: [{ urls: full.stun }], iceTransportPolicy: 'all' },
      { iceServers: [{ urls: [udp], ...credentials }], iceTransportPolicy: 'relay' },
      { iceServers: [{ urls: [tcp], ...credentials }], iceTransportPolicy: 'relay' },
      { iceServers: [{ urls: [tls], ...credentials }], iceTransportPolicy: 'relay' },
    ])
  })

  it('takes no candidate of another type for an answer', async () => {
    await begun()
    const hear = peerOf(udp).onicecandidate as (event: object) => void
    hear({ candidate: { type: 'host', candidate: 'candidate' } })
    await gathers(udp, null)
    await until(() => 'relay_udp' in results)
    expect(results.relay_udp).toEqual({ state: 'no' })
  })

  it('gives every line three seconds, and closes all', async () => {
    health = () => new Promise(() => undefined)
    const check = start()
    await until(() => peers.length === 4)
    clock.pass(limitMs)
    await check.done
    const no = { state: 'no' }
    const lines = { vds: no, lan: no, p2p: no, relay_udp: no, relay_tcp: no, relay_tls: no }
    expect(results).toEqual({ pc: { state: 'ok' }, ...lines })
    expect([calls[0]!.hungUp, peers.map(({ closed }) => closed)]).toEqual([
      true,
      [true, true, true, true],
    ])
  })

  it('gives the server as long as the rest to speak of the PC', async () => {
    isHomeInSight = () => new Promise(() => undefined)
    await begun()
    clock.pass(limitMs - 1)
    expect(results.pc).toBeUndefined()
    clock.pass(1)
    await until(() => 'pc' in results)
    expect(results.pc).toEqual({ state: 'no' })
  })

  it('hangs up the call that opened', async () => {
    await begun()
    calls[0]!.handlers.onOpen({} as DataChannel, {} as never)
    await until(() => calls[0]!.hungUp)
    expect(results.lan?.state).toBe('ok')
  })

  it('knows nothing of what there is nothing to try with', async () => {
    hasTicket = false
    isHomeInSight = () => Promise.resolve(null)
    access = () => Promise.resolve({ stun: [], turn: [], expires_in_s: 600 })
    await start().done
    const unknown = { state: 'unknown' }
    expect(results).toEqual({
      vds: { state: 'ok', ms: 0 },
      pc: unknown,
      lan: unknown,
      p2p: unknown,
      relay_udp: unknown,
      relay_tcp: unknown,
      relay_tls: unknown,
    })
  })

  it.each([
    ['does not answer', () => Promise.reject(new Error('No network.'))],
    ['is ill', () => Promise.resolve(Response.json({}, { status: 503 }))],
    ['is a portal', () => Promise.resolve(new Response('<html>Log in'))],
  ])('says no of a server that %s', async (_, answer) => {
    health = answer
    await begun()
    expect(results.vds).toEqual({ state: 'no' })
  })

  it('closes all when it is stopped, and tells no more', async () => {
    let asking: AbortSignal | null = null
    health = (signal) => {
      asking = signal
      return new Promise(() => undefined)
    }
    const check = start()
    await until(() => peers.length === 4)
    check.stop()
    await check.done
    expect(results).toEqual({ pc: { state: 'ok' } })
    expect(asking!.aborted).toBe(true)
    expect([calls[0]!.hungUp, peers.every(({ closed }) => closed)]).toEqual([true, true])
  })

  it('opens nothing more once it is stopped', async () => {
    let answer: (access: RelayAccess) => void = () => undefined
    access = () => new Promise((resolve) => (answer = resolve))
    const check = start()
    check.stop()
    answer(full)
    await check.done
    expect(peers).toEqual([])
  })
})
