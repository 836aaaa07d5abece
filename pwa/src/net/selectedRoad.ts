/** Which road a connection took, as its own statistics say (W3C, WebRTC's Statistics API). */
import type { RoadName } from '../protocol/generated'
import { isLocalName, isPrivate } from './addresses'

/** The part of a candidate's statistics that is read; a browser hides addresses that it was not told. */
interface Candidate {
  candidateType: string
  address?: string | null
}

export interface SelectedPair {
  local: Candidate
  remote: Candidate
}

interface Stats {
  id: string
  type: string
  selectedCandidatePairId?: string
  localCandidateId?: string
  remoteCandidateId?: string
  state?: string
  nominated?: boolean
  requestsSent?: number
  /** Firefox's own. */
  selected?: boolean
}

/** The pair that carries the connection; null while there is none. */
export function selectedPair(report: RTCStatsReport): SelectedPair | null {
  const all = byId(report)
  const transport = [...all.values()].find(({ type }) => type === 'transport')
  const pairs = pairsOf(all)
  const pair =
    all.get(transport?.selectedCandidatePairId ?? '') ??
    pairs.find(({ selected }) => selected === true) ??
    pairs.find(({ state, nominated }) => state === 'succeeded' && nominated === true)
  const local = all.get(pair?.localCandidateId ?? '') as Candidate | undefined
  const remote = all.get(pair?.remoteCandidateId ?? '') as Candidate | undefined
  return local && remote ? { local, remote } : null
}

/** How many of the other end's candidates have been asked whether they are there. */
export function askedCandidates(report: RTCStatsReport): number {
  const asked = pairsOf(byId(report)).filter(({ requestsSent = 0 }) => requestsSent > 0)
  return new Set(asked.map(({ remoteCandidateId }) => remoteCandidateId)).size
}

/** The road of a connection whose descriptions went over the VDS. */
export function selectedRoad(report: RTCStatsReport): RoadName | null {
  const pair = selectedPair(report)
  if (!pair) return null
  const { local, remote } = pair
  if (local.candidateType === 'relay' || remote.candidateType === 'relay') return 'relay'
  const isNear = [local, remote].every(({ candidateType }) => near.has(candidateType))
  return isNear && isOfOwnNetwork(remote) ? 'lan' : 'p2p'
}

const near = new Set(['host', 'prflx'])

/** A host whose address is hidden was named by mDNS, which no router passes on. */
function isOfOwnNetwork({ candidateType, address }: Candidate): boolean {
  if (!address) return candidateType === 'host'
  return isPrivate(address) || isLocalName(address)
}

function byId(report: RTCStatsReport): Map<string, Stats> {
  const all = new Map<string, Stats>()
  report.forEach((stats: Stats) => all.set(stats.id, stats))
  return all
}

function pairsOf(all: Map<string, Stats>): Stats[] {
  return [...all.values()].filter(({ type }) => type === 'candidate-pair')
}
