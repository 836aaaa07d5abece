import { IDBFactory } from 'fake-indexeddb'
import { beforeEach, describe, expect, it } from 'vitest'
import { statsOf, TestPeer } from '../../tests/support/peer'
import { fingerprints, fixed, hexOf } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import type { Signal } from '../protocol/generated'
import { certificateStorage } from '../storage/certificate'
import type { Fingerprints } from '../trust/transcript'
import { signaledDial } from './signaled'

function sdp(...certificates: Uint8Array[]): string {
  const lines = certificates.map((one) => `a=fingerprint:sha-256 ${hexOf(one).match(/../g)!.join(':')}`)
  return ['v=0', ...lines, ''].join('\r\n')
}

let peers: TestPeer[]
let posted: Signal[]
let heard: ((signal: Signal) => void)[]
let opened: Fingerprints[]
let failed: number
/** Calls that listen no more. */
let stopped: number
let certificate: () => Promise<RTCCertificate | null>
let iceServers: () => Promise<RTCIceServer[]>

beforeEach(() => {
  peers = []
  posted = []
  heard = []
  opened = []
  failed = stopped = 0
  certificate = () => Promise.resolve(null)
  iceServers = () => Promise.resolve([])
})

/** Dials, and waits for the offer. */
async function dial() {
  const dialing = signaledDial({
    certificate: () => certificate(),
    iceServers: () => iceServers(),
    makePeer: (configuration) => {
      const peer = new TestPeer(configuration, sdp(fingerprints.device))
      peers.push(peer)
      return peer as unknown as RTCPeerConnection
    },
  })
  const before = posted.length
  const call = dialing(
    {
      post: (signal) => void posted.push(signal),
      listen: (_, hear) => {
        heard.push(hear)
        return () => void stopped++
      },
    },
    {
      onOpen: (_, enforced) => void opened.push(enforced),
      onFailed: () => void failed++,
    },
  )
  await until(() => posted.length > before)
  return { call, peer: peers.at(-1)!, hear: heard.at(-1)! }
}

async function answered(answer: string) {
  const dialed = await dial()
  dialed.hear({ type: 'answer', connection: posted[0]!.connection, sdp: answer })
  await until(() => dialed.peer.currentRemoteDescription !== null)
  dialed.peer.channel.onopen?.()
  return dialed
}

describe('an open channel', () => {
  it('comes with the fingerprints of both ends that the browser enforces', async () => {
    await answered(sdp(fingerprints.home))
    expect([opened, failed]).toEqual([[fingerprints], 0])
  })

  it.each([
    ['none', sdp()],
    ['two', sdp(fingerprints.home, fixed('middle'))],
    ['another kind', `a=fingerprint:sha-1 ${'00:'.repeat(19)}00\r\n`],
  ])('ends the call where the other end has %s', async (_, answer) => {
    const { peer } = await answered(answer)
    expect([opened, failed, peer.closed]).toEqual([[], 1, true])
  })

  it('says its road by the pair that carries it', async () => {
    const { call, peer } = await answered(sdp(fingerprints.home))
    expect(await call.road()).toBeNull()
    peer.stats = statsOf({ candidateType: 'host' }, { candidateType: 'relay', address: '203.0.113.1' })
    expect(await call.road()).toBe('relay')
    call.hangUp()
    expect(await call.road()).toBeNull()
  })

  it('is none where the call was hung up', async () => {
    const { call, peer } = await dial()
    call.hangUp()
    peer.channel.onopen?.()
    expect([opened, failed, stopped]).toEqual([[], 0, 1])
  })
})

describe('the servers', () => {
  it('are asked for anew for each call', async () => {
    const servers = [[{ urls: ['stun:one'] }], [{ urls: ['stun:two'] }]]
    iceServers = () => Promise.resolve(servers.shift()!)
    await dial()
    await dial()
    const given = peers.map(({ configuration }) => configuration.iceServers)
    expect(given).toEqual([[{ urls: ['stun:one'] }], [{ urls: ['stun:two'] }]])
  })
})

describe('the certificate', () => {
  it('is the kept one, call after call', async () => {
    let made = 0
    const make = () => Promise.resolve({ expires: 1e12, number: ++made } as unknown as RTCCertificate)
    const factory = new IDBFactory()
    certificate = () => certificateStorage(() => factory, make, () => 0).load()
    await dial()
    await dial()
    const used = peers.map(({ configuration }) => configuration.certificates)
    expect(used).toEqual([[{ expires: 1e12, number: 1 }], [{ expires: 1e12, number: 1 }]])
  })

  it('is the browser’s own where none is kept, and asks no server', async () => {
    const { peer } = await dial()
    expect(peer.configuration).toEqual({ iceServers: [], certificates: [] })
  })

  it('that comes after the hang-up opens nothing', async () => {
    let give: (given: null) => void = () => undefined
    const dialing = signaledDial({
      certificate: () => new Promise((resolve) => (give = resolve)),
      iceServers: () => iceServers(),
      makePeer: () => {
        throw new Error('Nobody waits for this call.')
      },
    })
    const handlers = { onOpen: () => undefined, onFailed: () => void failed++ }
    const call = dialing({ post: () => undefined, listen: () => () => undefined }, handlers)
    call.hangUp()
    give(null)
    await dial()
    expect(failed).toBe(0)
  })
})
