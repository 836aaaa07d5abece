import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { TestPeer } from '../../tests/support/peer'
import { ticket as kept } from '../../tests/support/ticket'
import { fingerprints, hexOf } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import type { LanTicket } from '../protocol/generated'
import type { Fingerprints } from '../trust/transcript'
import { lanDeadlineMs, lanDial, type LanOptions, ticketDial } from './lan'

const certificate = { expires: 1e12 } as RTCCertificate
const offer = [
  'v=0',
  'a=mid:data',
  `a=fingerprint:sha-256 ${hexOf(fingerprints.device).match(/../g)!.join(':')}`,
  '',
].join('\r\n')

let clock: TestClock
let peers: TestPeer[]
let opened: Fingerprints[]
let failed: number
let options: LanOptions
let ticket: () => Promise<LanTicket | null>

const handlers = {
  onOpen: (_: unknown, enforced: Fingerprints) => void opened.push(enforced),
  onFailed: () => void failed++,
}

beforeEach(() => {
  clock = new TestClock()
  peers = []
  opened = []
  failed = 0
  ticket = () => Promise.resolve(kept)
  options = {
    clock,
    certificate: () => Promise.resolve(certificate),
    makePeer: (configuration) => {
      const peer = new TestPeer(configuration, offer)
      peers.push(peer)
      return peer as unknown as RTCPeerConnection
    },
  }
})

/** Dials, and waits until the browser has the answer. */
async function dial() {
  const call = lanDial({ ...options, ticket: () => ticket() })(handlers)
  await until(() => !!peers[0]?.currentRemoteDescription)
  return { call, peer: peers[0]! }
}

describe('a dial by a ticket', () => {
  it('asks no server, and shows the certificate of this device', async () => {
    const { peer } = await dial()
    expect(peer.configuration).toEqual({ iceServers: [], certificates: [certificate] })
  })

  it('leaves the browser’s own description as it is, and answers for its section', async () => {
    const { peer } = await dial()
    expect(peer.currentLocalDescription?.sdp).toBe(offer)
    expect(peer.currentRemoteDescription?.sdp).toContain('a=mid:data\r\n')
  })

  it('gives the channel with the fingerprints that the browser enforces', async () => {
    const { call, peer } = await dial()
    expect(await call.road()).toBeNull()
    peer.channel.onopen?.()
    expect([opened, failed]).toEqual([[fingerprints], 0])
    expect(await call.road()).toBe('lan')
  })

  it('has statistics while it lasts', async () => {
    const call = ticketDial(options)(kept, handlers)
    expect(await call.statistics()).toBeNull()
    await until(() => !!peers[0]?.currentRemoteDescription)
    peers[0]!.stats = [{ id: 'T' }]
    expect((await call.statistics())?.get('T')).toEqual({ id: 'T' })
    call.hangUp()
    expect(await call.statistics()).toBeNull()
  })
})

describe('a dial that comes to nothing', () => {
  it('fails at once and makes no peer where there is no ticket', async () => {
    ticket = () => Promise.resolve(null)
    lanDial({ ...options, ticket: () => ticket() })(handlers)
    await until(() => failed > 0)
    expect([failed, peers]).toEqual([1, []])
  })

  it('fails where the ticket cannot be read', async () => {
    ticket = () => Promise.reject(new Error('No database.'))
    lanDial({ ...options, ticket: () => ticket() })(handlers)
    await until(() => failed > 0)
  })

  it('fails where the ticket names nothing to dial', async () => {
    ticket = () => Promise.resolve({ ...kept, addresses: ['evil.example'], name: null })
    lanDial({ ...options, ticket: () => ticket() })(handlers)
    await until(() => failed > 0)
    expect([peers[0]!.closed, peers[0]!.currentRemoteDescription]).toEqual([true, null])
  })

  it('fails when nobody has answered in time, once', async () => {
    const { peer } = await dial()
    clock.pass(lanDeadlineMs - 1)
    expect([failed, peer.closed]).toEqual([0, false])
    clock.pass(1)
    expect([failed, peer.closed]).toEqual([1, true])
    peer.turn('failed')
    peer.channel.onopen?.()
    expect([failed, peer.closed, opened]).toEqual([1, true, []])
  })

  it('fails with the connection, once', async () => {
    const { peer } = await dial()
    peer.turn('failed')
    clock.pass(lanDeadlineMs)
    expect([failed, peer.closed]).toEqual([1, true])
  })

  it('is told to nobody after the hang-up', async () => {
    const { call, peer } = await dial()
    call.hangUp()
    clock.pass(lanDeadlineMs)
    peer.channel.onopen?.()
    expect([failed, peer.closed, opened]).toEqual([0, true, []])
  })

  it('is told to nobody where the hang-up is what it came to nothing by', async () => {
    let reject: ((why: Error) => void) | null = null
    options.makePeer = (configuration) => {
      const peer = new TestPeer(configuration, offer)
      peer.setRemoteDescription = () => new Promise((_, give) => (reject = give))
      return peer as unknown as RTCPeerConnection
    }
    const call = lanDial({ ...options, ticket: () => ticket() })(handlers)
    await until(() => reject !== null)
    call.hangUp()
    reject!(new Error('InvalidStateError'))
    // All that follows from it has happened by the next turn.
    await new Promise((resolve) => setTimeout(resolve))
    expect(failed).toBe(0)
  })

  it('is none of an open channel, however late it is', async () => {
    const { peer } = await dial()
    peer.channel.onopen?.()
    clock.pass(lanDeadlineMs * 2)
    expect([failed, peer.closed]).toEqual([0, false])
  })
})
