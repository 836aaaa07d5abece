/** What several tabs write into one replica, each of what it has itself, brought together. */
import type { Change, Meta } from './replica'

export interface Merged {
  /** Everything but the outbox is dropped first. */
  readonly clears: boolean
  /** Null: nothing that the PC said is written. */
  readonly meta: Meta | null
  readonly takesHeads: boolean
  /** What is gone from the log that it speaks of may be there in another. */
  readonly erases: boolean
}

/**
 * Each tab has written every event of the range that it speaks of, or was told that it was not taken.
 * So two ranges that touch are one; where they do not yet, that of the other tab stands, and the events
 * wait to be spoken of.
 *
 * @param begun the log that the replica was cleared for last; nothing of it may be there yet
 */
export function merge(there: Meta | null, begun: string | null, change: Change): Merged {
  const { clear, isList, meta } = change
  const clears = clear !== undefined && there?.log !== clear
  const left = clears ? null : there
  const log = left?.log ?? clear ?? begun
  const erases = !meta || log === null || log === meta.log
  // Another tab may have dropped what this one goes on from: its next part alone would leave a hole.
  if (!meta || !erases || (!left && !clears && !isList)) {
    return { clears, meta: null, takesHeads: false, erases }
  }
  if (!left) return { clears, meta, takesHeads: true, erases }
  const isNewest = meta.after >= left.after
  const headsOf = Math.max(left.headsOf ?? left.after, meta.after)
  const touches = meta.before <= left.after + 1 && meta.after >= left.before - 1
  const { after, before } = touches
    ? { after: Math.max(left.after, meta.after), before: Math.min(left.before, meta.before) }
    : left
  const head = Math.max(left.head, meta.head)
  return {
    clears,
    meta: {
      ...(isNewest ? meta : left),
      after,
      before,
      head,
      headsOf: headsOf > after ? headsOf : undefined,
    },
    takesHeads: meta.after === headsOf,
    erases,
  }
}

/** Of the commands of the outbox that a change is about. */
export function idsOf({ add = [], replace = [], told = [], remove = [] }: Change): string[] {
  return [...[...add, ...replace].map(({ command }) => command.id), ...told, ...remove]
}

const ofOutbox: readonly string[] = ['add', 'replace', 'told', 'remove'] satisfies (keyof Change)[]

/** Whether it is about the outbox and nothing else. */
export function isOfOutbox(change: Change): boolean {
  const isAlone = Object.entries(change).every(
    ([part, value]) => value === undefined || ofOutbox.includes(part),
  )
  return isAlone && idsOf(change).length > 0
}
