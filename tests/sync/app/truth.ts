/** What was done and what the PC said of it: what it has to keep. */
import type { Command, FromHome } from '../../../pwa/src/protocol/generated'
import type { Tab } from './device'
import { command as tell } from './tale'

export interface Act {
  readonly command: Command
  readonly tab: Tab
  /** The number of the PC's first acknowledgement among all; 0 without one. */
  acknowledged: number
  /** How often it arrived at the PC: of two tabs one may be refused what the other is not. */
  arrived: number
  /** The code of the last refusal. */
  refused: string | null
  /** Nobody owes it anything: taken back, lost with a tab before it was on disk, or with the PC's disk. */
  isExcused: boolean
}

export class Truth {
  readonly acts = new Map<string, Act>()
  private acknowledgements = 0
  private backedUp = 0

  did(tab: Tab, command: Command): void {
    this.acts.set(command.id, { command, tab, acknowledged: 0, arrived: 0, refused: null, isExcused: false })
  }

  arrived(id: string): void {
    const act = this.acts.get(id)
    if (act) act.arrived++
  }

  /** The PC said that, whether or not it arrives. */
  pcSaid(message: FromHome): void {
    if (message.type === 'acknowledged') {
      const act = this.acts.get(message.id)
      if (!act) throw new Error(`The PC acknowledged ${message.id}, which nobody asked for.`)
      act.acknowledged ||= ++this.acknowledgements
    } else if (message.type === 'error' && message.re) {
      const act = this.acts.get(message.re)
      if (!act) return
      if (act.acknowledged && message.code !== 'rate_limited' && message.code !== 'storage_failed') {
        throw new Error(`The PC refused ${tell(act.command)} (${message.code}) after it acknowledged it.`)
      }
      act.refused = message.code
    }
  }

  /** A command leaves for the PC: it has to outlive the tab from now on. */
  sent(tab: Tab, id: string): void {
    const act = this.acts.get(id)
    if (!act || act.acknowledged || act.refused || act.isExcused) return
    if (tab.engine.full || tab.device.disk.keeps(id)) return
    throw new Error(`${tab.name} sent ${tell(act.command)} before it was on its disk.`)
  }

  /** The tab is gone, and with it what was only in its memory. */
  lost(tab: Tab): void {
    for (const act of this.acts.values()) {
      if (act.tab !== tab || act.acknowledged || act.refused) continue
      if (!tab.device.disk.keeps(act.command.id)) act.isExcused = true
    }
  }

  /** Taken back by a person. */
  withdrawn(id: string): void {
    const act = this.acts.get(id)
    if (act) act.isExcused = true
  }

  backUp(): void {
    this.backedUp = this.acknowledgements
  }

  /** An older log took the place of the newer. */
  restored(): void {
    for (const act of this.acts.values()) {
      if (act.acknowledged <= this.backedUp) continue
      act.acknowledged = 0
      act.isExcused = true
    }
  }
}

/** Whether it may be in the log, where it was not acknowledged. */
export function mayBeThere({ isExcused, refused, arrived }: Act): boolean {
  return isExcused || (refused !== null && arrived > 1)
}
