/** Which commands of the outbox go out now: in order, few at a time, and not too many a second. */
import type { Pending } from '../chat/model'

/** So many may be on their way without having been acknowledged. */
const most = 32

/** The PC takes 100 messages a second, of which some are about other things. */
const perSecond = 64

export interface Due {
  readonly send: readonly Pending[]
  /** Before these are sent it must be on disk that they were. */
  readonly tell: readonly Pending[]
  /** When there is more to send; null where nothing waits for the time. */
  readonly laterMs: number | null
}

export class Sender {
  private readonly onWay = new Set<string>()
  private readonly unwritten = new Set<string>()
  /** Refused for the moment. */
  private readonly later = new Set<string>()
  private times: number[] = []

  /** Another connection: what was on the last one may not have arrived. */
  begin(): void {
    this.onWay.clear()
    this.later.clear()
  }

  /** They are being written; until then they, and all after them, wait. */
  writing(ids: readonly string[]): void {
    for (const id of ids) this.unwritten.add(id)
  }

  written(ids: readonly string[]): void {
    for (const id of ids) this.unwritten.delete(id)
  }

  /** The PC has answered it. */
  answered(id: string): void {
    this.onWay.delete(id)
  }

  putOff(id: string): void {
    this.later.add(id)
  }

  release(): void {
    for (const id of this.later) this.onWay.delete(id)
    this.later.clear()
  }

  due(pending: readonly Pending[], nowMs: number): Due {
    this.times = this.times.filter((at) => at > nowMs - 1000 && at <= nowMs)
    const send: Pending[] = []
    const tell: Pending[] = []
    for (const one of pending) {
      const { id } = one.command
      if (one.state !== 'waiting' || this.onWay.has(id)) continue
      if (this.unwritten.has(id) || this.onWay.size + tell.length >= most) break
      if (this.times.length + tell.length >= perSecond) {
        return { send, tell, laterMs: 1000 - (nowMs - (this.times[0] ?? nowMs)) }
      }
      if (!one.told) tell.push(one)
      // What was told before waits for what is not, so that the order is kept.
      else if (tell.length > 0) break
      else {
        this.onWay.add(id)
        this.times.push(nowMs)
        send.push(one)
      }
    }
    return { send, tell, laterMs: null }
  }
}
