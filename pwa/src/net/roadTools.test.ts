import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { statsOf, TestPeer } from '../../tests/support/peer'
import { ticket } from '../../tests/support/ticket'
import { fingerprints, hexOf } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import type { LanTicket } from '../protocol/generated'
import type { LineResult, RoadLine } from './check'
import { makeRoadTools, type RoadNeeds, type RoadParts } from './roadTools'

let parts: RoadParts
let needs: RoadNeeds
let dialed: (LanTicket | null)[]
let heard: [RoadLine, LineResult['state']][]

beforeEach(() => {
  dialed = []
  heard = []
  parts = {
    fetch: () => Promise.resolve(new Response('{}')),
    clock: new TestClock(),
    certificate: () => Promise.resolve(null),
    makePeer: () => {
      throw new Error('There is no browser here.')
    },
    directDial: (find) => (handlers) => {
      void find().then((found) => {
        dialed.push(found)
        handlers.onFailed()
      })
      return { road: () => Promise.resolve(null), hangUp: () => undefined }
    },
    isOnPc: false,
  }
  needs = {
    ticket: () => ticket,
    keepTicket: () => Promise.resolve(),
    isHomeInSight: () => Promise.resolve(false),
    token: () => Promise.reject(new Error('Nobody is logged in.')),
  }
})

async function check(): Promise<Partial<Record<RoadLine, string>>> {
  await makeRoadTools(parts, needs).check((line, { state }) => heard.push([line, state])).done
  return Object.fromEntries(heard)
}

describe('the check', () => {
  it('dials by the ticket', async () => {
    expect((await check()).lan).toBe('no')
    expect(dialed).toEqual([ticket])
  })

  it('dials nothing without a ticket, but on the PC itself', async () => {
    needs.ticket = () => null
    expect((await check()).lan).toBe('unknown')
    parts.isOnPc = true
    expect((await check()).lan).toBe('no')
    expect(dialed).toEqual([null])
  })

  it('takes no word of the PC from a server that does not answer', async () => {
    expect((await check()).pc).toBe('no')
    heard = []
    parts.fetch = () => Promise.reject(new TypeError('Failed to fetch'))
    const { vds, pc } = await check()
    expect([vds, pc, heard.filter(([line]) => line === 'pc').length]).toEqual(['no', 'unknown', 1])
    needs.isHomeInSight = () => Promise.resolve(true)
    expect((await check()).pc).toBe('ok')
  })

  it('that is stopped before it began tells nothing', async () => {
    const running = makeRoadTools(parts, needs).check((line, { state }) => heard.push([line, state]))
    running.stop()
    await running.done
    expect(heard).toEqual([])
  })
})

describe('the search', () => {
  it('knows where the PC was, and looks for none that never told its ticket', async () => {
    expect(makeRoadTools(parts, needs).addresses()).toEqual(ticket.addresses)
    needs.ticket = () => null
    const tools = makeRoadTools(parts, needs)
    expect(tools.addresses()).toEqual([])
    expect(await tools.sweep('192.168.1', () => undefined).found).toBeNull()
  })

  it('keeps where the PC was found, before where it was', async () => {
    const peers: TestPeer[] = []
    const hex = hexOf(fingerprints.device).match(/../g)!.join(':')
    parts.makePeer = (configuration) => {
      const peer = new TestPeer(configuration, `a=mid:data\r\na=fingerprint:sha-256 ${hex}\r\n`)
      peers.push(peer)
      return peer as unknown as RTCPeerConnection
    }
    const kept: LanTicket[] = []
    needs.keepTicket = (found) => Promise.resolve(void kept.push(found))
    const sweep = makeRoadTools(parts, needs).sweep('192.168.7', () => undefined)
    await until(() => !!peers[0]?.currentRemoteDescription)
    const host = { candidateType: 'host' }
    peers[0]!.stats = statsOf(host, { ...host, address: '192.168.7.31' })
    peers[0]!.channel.onopen?.()
    expect(await sweep.found).toBe('192.168.7.31')
    expect(kept).toEqual([{ ...ticket, addresses: ['192.168.7.31', ...ticket.addresses] }])
  })

  it('keeps no address that was not found', async () => {
    let kept = 0
    needs.keepTicket = () => Promise.resolve(void kept++)
    const sweep = makeRoadTools(parts, needs).sweep('192.168.1', () => undefined)
    sweep.stop()
    expect([await sweep.found, kept]).toEqual([null, 0])
  })
})
