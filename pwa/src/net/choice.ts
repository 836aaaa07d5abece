/** Which call is to be used, and which lines are worth a try beside it. */
import type { RoadName } from '../protocol/generated'
import { type Backoff, backoff } from './backoff'
import type { LineName } from './tables'

/** The best first. One that is not known is taken for the worst. */
const roads: readonly RoadName[] = ['local', 'lan', 'p2p', 'relay']
const rank = (road: RoadName | null) => roads.indexOf(road ?? 'relay')

export function isBetter(road: RoadName | null, than: RoadName | null): boolean {
  return rank(road) < rank(than)
}

/** The best that each line can come to. */
const hopes: Record<LineName, RoadName> = { direct: 'local', signaled: 'lan' }

/** Whether a try that is under way could still end in something better. */
export function isWorthwhile(line: LineName, inUse: RoadName | null): boolean {
  return isBetter(hopes[line], inUse)
}

const soon: Backoff = { firstMs: 2_000, longestMs: 10_000 }
const seldom: Backoff = { firstMs: 60_000, longestMs: 600_000 }

/** How often a line is tried again while nothing else is in use. */
const alone: Record<LineName, Backoff> = {
  direct: { firstMs: 400, longestMs: 10_000 },
  signaled: backoff,
}

/** How often while a road is in use; null: not at all. */
const beside: Record<LineName, Record<RoadName, Backoff | null>> = {
  direct: { local: null, lan: null, p2p: soon, relay: soon },
  signaled: { local: null, lan: null, p2p: null, relay: seldom },
}

/** @param inUse null: nothing is, or it is not to be relied on */
export function paceOf(line: LineName, inUse: { road: RoadName | null } | null): Backoff | null {
  return inUse ? beside[line][inUse.road ?? 'relay'] : alone[line]
}
