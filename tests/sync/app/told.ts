/** Every event that any tab was ever told of, and whether a disk has those that it says it has. */
import type { Event } from '../../../pwa/src/protocol/generated'
import type { Device } from './device'

export class Told {
  /** The chats of the events of each log, by number; '' for those of none. */
  private readonly logs = new Map<string, Map<number, string>>()
  private readonly deleted = new Set<string>()

  of(log: string | null, events: readonly Event[]): void {
    if (log === null) return
    const chats = this.logs.get(log) ?? new Map<number, string>()
    this.logs.set(log, chats)
    for (const event of events) chats.set(event.seq, 'chat' in event ? event.chat : '')
  }

  /** The PC may go on in the same log as if some of it had never been. */
  forget(): void {
    this.logs.clear()
  }

  /** Somebody wants it to be gone, so that its events may be anywhere or nowhere. */
  deletes(chat: string): void {
    this.deleted.add(chat)
  }

  /** What the next tab would go on from has no holes: what is missing there nobody sends again. */
  async breachOfDisk(device: Device): Promise<string | null> {
    const { meta, events } = await device.disk.contents()
    const told = meta && this.logs.get(meta.log)
    if (!told) return null
    const kept = new Set(events.map(({ seq }) => seq))
    for (const [seq, chat] of told) {
      if (seq < meta.before || seq > meta.after || kept.has(seq) || this.deleted.has(chat)) continue
      return `The disk of ${device.name} says that it has ${meta.before} to ${meta.after}, and has no ${seq}.`
    }
    return null
  }
}
