import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { statsOf } from '../../tests/support/peer'
import { ticket } from '../../tests/support/ticket'
import { until } from '../../tests/support/until'
import type { LanTicket } from '../protocol/generated'
import type { DataChannel } from './channel'
import type { TicketDial } from './lan'
import type { DialHandlers } from './road'
import { sweep, withAddress } from './sweep'

interface Dialed {
  ticket: LanTicket
  handlers: DialHandlers
  stats: { id: string }[]
  hungUp: boolean
}

let clock: TestClock
let dialed: Dialed[]
let progress: [number, number][]

const dial: TicketDial = (asked, handlers) => {
  const call: Dialed = { ticket: asked, handlers, stats: [], hungUp: false }
  dialed.push(call)
  return {
    road: () => Promise.resolve('lan'),
    hangUp: () => (call.hungUp = true),
    statistics: () =>
      Promise.resolve(
        new Map(call.stats.map((one) => [one.id, one])) as unknown as RTCStatsReport,
      ),
  }
}

beforeEach(() => {
  clock = new TestClock()
  dialed = []
  progress = []
})

function start(network = '192.168.1') {
  const onProgress = (...told: [number, number]) => void progress.push(told)
  return sweep({ ticket, network, dial, onProgress, clock })
}

/** Somebody at this address answers. */
function answer(address: string): void {
  const call = dialed.find(({ ticket: { addresses } }) => addresses.includes(address))!
  call.stats = statsOf({ candidateType: 'host' }, { candidateType: 'host', address })
  call.handlers.onOpen({} as DataChannel, {} as never)
}

describe('a sweep', () => {
  it('dials each address of the network once, by the ticket and by no name', () => {
    start()
    const addresses = dialed.flatMap((call) => call.ticket.addresses)
    expect(new Set(addresses).size).toBe(254)
    expect(addresses).toHaveLength(254)
    for (const { ticket: asked } of dialed) {
      expect(asked).toEqual({ ...ticket, addresses: asked.addresses, name: null })
    }
  })

  it('keeps within what a browser does at once', () => {
    start()
    expect(dialed).toHaveLength(8)
    expect(Math.max(...dialed.map((call) => call.ticket.addresses.length))).toBe(32)
  })

  it('finds the address that answers, and hangs up on all', async () => {
    const { found } = start()
    answer('192.168.1.77')
    expect(await found).toBe('192.168.1.77')
    expect(dialed.every(({ hungUp }) => hungUp)).toBe(true)
  })

  it('finds nothing where nobody answers', async () => {
    const { found } = start()
    for (const { handlers } of dialed) handlers.onFailed()
    expect(await found).toBeNull()
  })

  it('goes on where some of it has failed', async () => {
    const { found } = start()
    dialed[0]!.handlers.onFailed()
    answer('192.168.1.254')
    expect(await found).toBe('192.168.1.254')
  })

  it('tells how many addresses have been asked', async () => {
    start()
    expect(progress).toEqual([[0, 254]])
    dialed[0]!.handlers.onFailed()
    const pair = { type: 'candidate-pair', remoteCandidateId: 'A' }
    const asked = { ...pair, id: '1', requestsSent: 1 }
    dialed[1]!.stats = [asked, { ...asked, id: '2', remoteCandidateId: 'B', requestsSent: 0 }]
    clock.pass(250)
    await until(() => progress.length > 1)
    expect(progress[1]).toEqual([33, 254])
  })

  it('ends when it is told to, and tells no more', async () => {
    const sweeping = start()
    sweeping.stop()
    clock.pass(10_000)
    expect(await sweeping.found).toBeNull()
    expect([dialed.every(({ hungUp }) => hungUp), progress]).toEqual([true, [[0, 254]]])
  })

  it.each(['8.8.8', 'evil.example', '10.0'])('dials nobody in %s', async (network) => {
    expect(await start(network).found).toBeNull()
    expect([dialed, progress]).toEqual([[], []])
  })
})

describe('a ticket with the address that was found', () => {
  it('has it first, and once', () => {
    expect(withAddress(ticket, 'fd00::20').addresses).toEqual(['fd00::20', '192.168.1.20'])
    expect(withAddress(ticket, '10.0.0.1')).toEqual({
      ...ticket,
      addresses: ['10.0.0.1', ...ticket.addresses],
    })
  })

  it('holds no more than a ticket does', () => {
    const addresses = Array.from({ length: 16 }, (_, index) => `10.0.0.${String(index)}`)
    const { addresses: completed } = withAddress({ ...ticket, addresses }, '10.1.1.1')
    expect([completed.length, completed[0]]).toEqual([16, '10.1.1.1'])
  })
})
