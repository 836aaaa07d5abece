import { isSettled, type Turn } from '../chat/model'

/** Where a chat stands, by the places of its turns. */
export interface Queue {
  /** The last one that the PC would take; -1 where there is none. */
  last: number
  /** The first whose answer is still to come or to end; those after it wait for their turn. */
  next: number
}

/** Whoever writes while an answer runs is answered after it, one after another. */
export function queueOf(turns: readonly Turn[]): Queue {
  const last = turns.findLastIndex(({ state }) => state !== 'refused')
  // What was never answered, and is followed by what was, waits for nothing.
  return { last, next: turns.findLastIndex(isSettled) + 1 }
}
