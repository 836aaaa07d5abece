import type { SourceTurn } from './source'

/**
 * The same turns, each after the one it follows, and otherwise in the order given. One whose parent
 * is not there, or that would follow itself, follows nothing; of two with one id the first is taken.
 */
export function parentsFirst(turns: readonly SourceTurn[]): SourceTurn[] {
  const byId = new Map<string, SourceTurn>()
  for (const turn of turns) if (!byId.has(turn.id)) byId.set(turn.id, turn)
  const waiting = new Map<string, SourceTurn[]>()
  const placed = new Map<string, SourceTurn>()

  const place = (first: SourceTurn) => {
    const next = [first]
    for (let turn = next.pop(); turn; turn = next.pop()) {
      if (placed.has(turn.id)) continue
      placed.set(turn.id, turn)
      for (const follower of (waiting.get(turn.id) ?? []).reverse()) next.push(follower)
      waiting.delete(turn.id)
    }
  }

  for (const turn of byId.values()) {
    const parent = turn.parent !== null && byId.has(turn.parent) ? turn.parent : null
    if (parent === null || placed.has(parent)) place({ ...turn, parent })
    else if (!waiting.get(parent)?.push(turn)) waiting.set(parent, [turn])
  }
  for (const turn of byId.values()) {
    // Only turns that follow each other in a ring are left: the first of them lets go.
    if (!placed.has(turn.id)) place({ ...turn, parent: null })
  }
  return [...placed.values()]
}
