import { describe, expect, it } from 'vitest'
import { statsOf } from '../../tests/support/peer'
import { askedCandidates, selectedPair, selectedRoad } from './selectedRoad'

type Candidate = Parameters<typeof statsOf>[0]

function report(stats: { id: string }[]): RTCStatsReport {
  return new Map(stats.map((one) => [one.id, one])) as unknown as RTCStatsReport
}

const host = (address?: string): Candidate => ({ candidateType: 'host', ...(address && { address }) })
const found = (address?: string): Candidate => ({ candidateType: 'prflx', ...(address && { address }) })
const reflexive: Candidate = { candidateType: 'srflx', address: '198.51.100.7' }
const relayed: Candidate = { candidateType: 'relay', address: '203.0.113.1' }

describe('the road', () => {
  it.each([
    ['lan', host(), host('192.168.1.20')],
    ['lan', found('10.0.0.5'), host('10.1.0.1')],
    ['lan', host(), found('fd00::20')],
    ['lan', host(), host('3f1c.local')],
    ['lan', host(), host()],
    ['p2p', host(), host('203.0.113.9')],
    ['p2p', host(), host('2001:db8::1')],
    ['p2p', host(), found()],
    ['p2p', host(), reflexive],
    ['p2p', reflexive, host('192.168.1.20')],
    ['relay', relayed, host('192.168.1.20')],
    ['relay', host(), relayed],
    ['relay', relayed, relayed],
  ] as const)('is %s', (road, local, remote) => {
    expect(selectedRoad(report(statsOf(local, remote)))).toBe(road)
  })

  it('is not known before a pair is selected', () => {
    const stats = statsOf(host(), host()).filter(({ id }) => id !== 'T')
    expect(selectedRoad(report(stats))).toBeNull()
    expect(selectedRoad(report([]))).toBeNull()
  })
})

describe('the selected pair', () => {
  it.each([
    ['Firefox marks it', { selected: true }],
    ['it is the nominated one that succeeded', { state: 'succeeded', nominated: true }],
  ])('is found without a transport, where %s', (_, marks) => {
    const stats = statsOf(host(), host('10.0.0.1'))
      .filter(({ id }) => id !== 'T')
      .map((one) => (one.id === 'P' ? { ...one, ...marks } : one))
    expect(selectedPair(report(stats))?.remote.address).toBe('10.0.0.1')
  })
})

it('counts each candidate that was asked once, from however many of our own', () => {
  const pair = (id: string, remoteCandidateId: string, requestsSent: number) => ({
    id,
    type: 'candidate-pair',
    remoteCandidateId,
    requestsSent,
  })
  const pairs = [pair('1', 'A', 1), pair('2', 'A', 3), pair('3', 'B', 0), pair('4', 'C', 2)]
  expect(askedCandidates(report(pairs))).toBe(2)
})
