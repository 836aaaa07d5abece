/** The tree of what was said in a chat: which way through it is shown, and what is beside it. */
import type { Turn } from './model'

/** Where a message is among those that follow the same one. */
export interface Siblings {
  /** From 0. */
  readonly index: number
  readonly count: number
  /** In the order in which they were written. */
  readonly ids: readonly string[]
}

/**
 * The way from the first message down to the newest that can be reached by `through`; without it,
 * or where it is not there, to the newest of all.
 */
export function pathTo(turns: readonly Turn[], through: string | null): readonly Turn[] {
  const places = new Map(turns.map((turn, place) => [turn.id, place]))
  let at = turns.length - 1
  if (through !== null && places.has(through)) {
    const under = new Set([through])
    for (const [place, { id, parent }] of turns.entries()) {
      if (parent !== null && under.has(parent)) under.add(id)
      if (under.has(id)) at = place
    }
  }
  const path: Turn[] = []
  for (let turn = turns[at]; turn; ) {
    path.push(turn)
    const place = turn.parent === null ? undefined : places.get(turn.parent)
    // Whatever the PC says, a message follows none that was written after it.
    turn = place === undefined || place >= (places.get(turn.id) ?? 0) ? undefined : turns[place]
  }
  return path.length === turns.length ? turns : path.reverse()
}

type Groups = ReadonlyMap<string, readonly string[]>

/** Every turn that is shown asks for its own: turns never change, so they are gone through once. */
const grouped = new WeakMap<readonly Turn[], Groups>()

export function siblingsOf(turns: readonly Turn[], message: string): Siblings {
  let groups = grouped.get(turns)
  if (!groups) grouped.set(turns, (groups = groupsOf(turns)))
  const ids = groups.get(message) ?? []
  return { index: Math.max(0, ids.indexOf(message)), count: ids.length, ids }
}

/** By message, those that follow the same one. */
function groupsOf(turns: readonly Turn[]): Groups {
  const ofParent = new Map<string | null, string[]>()
  const groups = new Map<string, string[]>()
  for (const { id, parent } of turns) {
    const ids = ofParent.get(parent) ?? []
    ids.push(id)
    ofParent.set(parent, ids)
    groups.set(id, ids)
  }
  return groups
}
