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
 * Each tab has written every event of the range that it speaks of. So two ranges that touch are one;
 * where they do not yet, that of the other tab stands, and the events wait to be spoken of.
 */
export function merge(there: Meta | null, { clear, isList, meta }: Change): Merged {
  const clears = clear !== undefined && there?.log !== clear
  const left = clears ? null : there
  const erases = !meta || !left || left.log === meta.log
  if (!meta || !erases) return { clears, meta: null, takesHeads: false, erases }
  // Another tab may have dropped what this one goes on from: its next part alone would leave a hole.
  if (!left && !clears && !isList) return { clears, meta: null, takesHeads: false, erases }
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
