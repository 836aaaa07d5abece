/** What was done and what the PC said of it: what it has to keep. */
import { passing } from '../../../pwa/src/chat/reducer'
import type { Command, FromHome } from '../../../pwa/src/protocol/generated'
import type { Tab } from './device'
import { command as tell } from './tale'

export interface Act {
  readonly command: Command
  readonly tab: Tab
  /** The number of the PC's first acknowledgement among all; 0 without one. */
  acknowledged: number
  /** Lines on which it arrived at the PC and is not answered yet. */
  readonly unanswered: Set<number>
  /** Those of them on which it waited when it was acknowledged on another. */
  readonly crossed: Set<number>
  /** The code of the last refusal that does not pass by itself. */
  refused: string | null
  /** It was refused, and arrived on another line too, which ended before the answer, or in another log. */
  isUntold: boolean
  /** Nobody owes it anything: taken back, lost with a tab before it was on disk, or with the PC's disk. */
  isExcused: boolean
}

export class Truth {
  readonly acts = new Map<string, Act>()
  private acknowledgements = 0
  /** How many there were at each backup, the newest one last. */
  private readonly backups: number[] = []

  did(tab: Tab, command: Command): void {
    const nothing = { acknowledged: 0, refused: null, isUntold: false, isExcused: false }
    this.acts.set(command.id, { command, tab, unanswered: new Set(), crossed: new Set(), ...nothing })
  }

  arrived(line: number, id: string): void {
    this.acts.get(id)?.unanswered.add(line)
  }

  /** The PC said that, whether or not it arrives. */
  pcSaid(line: number, message: FromHome): void {
    if (message.type === 'acknowledged') {
      const act = this.acts.get(message.id)
      if (!act) throw new Error(`The PC acknowledged ${message.id}, which nobody asked for.`)
      act.unanswered.delete(line)
      if (act.acknowledged) return
      act.acknowledged = ++this.acknowledgements
      for (const other of act.unanswered) act.crossed.add(other)
    } else if (message.type === 'error' && message.re) {
      const act = this.acts.get(message.re)
      act?.unanswered.delete(line)
      if (!act || passing.includes(message.code)) return
      if (act.acknowledged) {
        // It may have been refused before, and said so only now.
        if (act.crossed.has(line)) return
        throw new Error(`The PC refused ${tell(act.command)} (${message.code}) after it acknowledged it.`)
      }
      act.refused = message.code
    }
  }

  /** The PC says nothing more on it. */
  ended(line: number): void {
    for (const act of this.acts.values()) {
      // What was not carried out before the refusal may have been after it.
      if (act.unanswered.delete(line) && act.refused) act.isUntold = true
    }
  }

  /** A command leaves for the PC: from now on it has to outlive the tab, where there was room for it. */
  breachOfSending(tab: Tab, id: string): string | null {
    const act = this.acts.get(id)
    if (!act || act.acknowledged || act.refused || act.isExcused) return null
    if (act.tab.engine.full || tab.device.disk.keeps(id)) return null
    return `${tab.name} sent ${tell(act.command)} before it was on its disk.`
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
    this.backups.push(this.acknowledgements)
  }

  get hasOlderBackup(): boolean {
    return this.backups.length > 1
  }

  /** An older log took the place of the newer: of the backup, or of the one before it. */
  restored(isOlder = false): void {
    const backedUp = this.backups.at(isOlder ? -2 : -1) ?? 0
    for (const act of this.acts.values()) {
      // It was refused by a log that is no more. What was carried out and not said may be in this one.
      act.isUntold = true
      if (act.acknowledged <= backedUp) continue
      act.acknowledged = 0
      act.isExcused = true
    }
  }
}

/**
 * Whether it may be in the log, where it was not acknowledged. Who was refused is told no more of
 * it; another tab, or another road, may have had it carried out since, and never heard of that.
 */
export function mayBeThere({ isExcused, isUntold }: Act): boolean {
  return isExcused || isUntold
}
