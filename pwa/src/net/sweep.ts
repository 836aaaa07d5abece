/**
 * Finds the PC where its address has changed and no server says the new one: dials every address of
 * a network by the ticket, and only the PC can answer.
 */
import type { LanTicket } from '../protocol/generated'
import { type Clock, realClock } from './clock'
import type { LanCall, TicketDial } from './lan'
import { hostsOf } from './networks'
import { askedCandidates, selectedPair } from './selectedRoad'

/**
 * Addresses to a connection. Chromium asks one address of a connection every 62 ms (measured with
 * 156), so that all are asked twice within the time that a dial has.
 */
const batchSize = 32
/** Between two looks at how far it is. */
const lookMs = 250
/** As many as a ticket holds. */
const maxAddresses = 16

export interface SweepOptions {
  ticket: LanTicket
  /** The first three numbers of its addresses, `192.168.1`. */
  network: string
  dial: TicketDial
  /** How many addresses have been asked, and of how many. */
  onProgress: (done: number, total: number) => void
  /** @default realClock */
  clock?: Clock
}

export interface Sweep {
  /** The PC's address; null where it is not in this network, or the sweep was stopped. */
  readonly found: Promise<string | null>
  stop(): void
}

export function sweep(options: SweepOptions): Sweep {
  return new RunningSweep(options)
}

/** The ticket with the address that was found before those that were known. */
export function withAddress(ticket: LanTicket, address: string): LanTicket {
  const others = ticket.addresses.filter((known) => known !== address)
  return { ...ticket, addresses: [address, ...others].slice(0, maxAddresses) }
}

class RunningSweep implements Sweep {
  readonly found: Promise<string | null>
  private readonly calls = new Set<LanCall>()
  private readonly clock: Clock
  private readonly hosts: string[]
  private resolve: (address: string | null) => void = () => undefined
  private failed = 0
  private timer: unknown = null
  private over = false

  constructor(private readonly options: SweepOptions) {
    this.clock = options.clock ?? realClock
    this.hosts = hostsOf(options.network)
    this.found = new Promise((resolve) => (this.resolve = resolve))
    if (this.hosts.length === 0) this.end(null)
    else this.begin()
  }

  stop(): void {
    this.end(null)
  }

  private begin(): void {
    this.look(0)
    for (let start = 0; start < this.hosts.length; start += batchSize) {
      this.dial(this.hosts.slice(start, start + batchSize))
    }
  }

  private dial(addresses: string[]): void {
    const ticket = { ...this.options.ticket, addresses, name: null }
    const call = this.options.dial(ticket, {
      onOpen: () => void this.arrive(call),
      onFailed: () => {
        this.calls.delete(call)
        this.failed += addresses.length
        if (this.failed === this.hosts.length) this.end(null)
      },
    })
    this.calls.add(call)
  }

  private async arrive(call: LanCall): Promise<void> {
    const report = await call.statistics()
    this.end((report && selectedPair(report)?.remote.address) ?? null)
  }

  private look(done: number): void {
    this.options.onProgress(done, this.hosts.length)
    this.timer = this.clock.after(lookMs, () => void this.count())
  }

  private async count(): Promise<void> {
    const reports = await Promise.all([...this.calls].map((call) => call.statistics()))
    if (this.over) return
    const asked = reports.map((report) => (report ? askedCandidates(report) : 0))
    this.look(asked.reduce((sum, one) => sum + one, this.failed))
  }

  private end(address: string | null): void {
    if (this.over) return
    this.over = true
    this.clock.cancel(this.timer)
    for (const call of this.calls) call.hangUp()
    this.resolve(address)
  }
}
