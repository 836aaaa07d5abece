/** A connection with no server between: the device writes the PC's answer itself, by its ticket. */
import type { LanTicket, RoadName } from '../protocol/generated'
import { type Clock, realClock } from './clock'
import { lanAnswer } from './lanAnswer'
import { PeerCall, type PeerOptions } from './peerCall'
import type { Call, DialHandlers, DirectDial } from './road'

/** A PC in the same network answers in a tenth of a second; its name may take a while to be found. */
export const lanDeadlineMs = 5_000

export interface LanOptions extends PeerOptions {
  /** @default realClock */
  clock?: Clock
}

export type LanCall = Call & Pick<PeerCall, 'statistics'>

export type TicketDial = (ticket: LanTicket, handlers: DialHandlers) => LanCall

/** Dials by the ticket that is kept. */
export function lanDial({
  ticket,
  ...options
}: LanOptions & { ticket: () => Promise<LanTicket | null> }): DirectDial {
  return (handlers) => new DialedCall(ticket, options, handlers)
}

/** Dials by one ticket or another. */
export function ticketDial(options: LanOptions): TicketDial {
  return (ticket, handlers) => new DialedCall(() => Promise.resolve(ticket), options, handlers)
}

class DialedCall extends PeerCall {
  protected readonly iceServers = () => Promise.resolve([])
  private readonly clock: Clock
  private readonly deadline: unknown
  private ticket: LanTicket | null = null

  constructor(
    find: () => Promise<LanTicket | null>,
    options: LanOptions,
    handlers: DialHandlers,
  ) {
    super(options, handlers)
    this.clock = options.clock ?? realClock
    this.deadline = this.clock.after(lanDeadlineMs, () => {
      if (!this.isOpen) this.fail()
    })
    void this.begin(find)
  }

  road(): Promise<RoadName | null> {
    return Promise.resolve(this.isOpen && !this.over ? 'lan' : null)
  }

  override hangUp(): void {
    this.clock.cancel(this.deadline)
    super.hangUp()
  }

  protected async exchange(peer: RTCPeerConnection, offer: string): Promise<void> {
    if (!this.ticket) return this.fail()
    const mid = /^a=mid:(.*?)\r?$/m.exec(offer)?.[1] ?? ''
    await peer.setRemoteDescription({ type: 'answer', sdp: lanAnswer(this.ticket, mid) })
  }

  private async begin(find: () => Promise<LanTicket | null>): Promise<void> {
    this.ticket = await find().catch(() => null)
    if (this.ticket) await this.dial()
    else this.fail()
  }
}
