import { describe, expect, it } from 'vitest'
import { type RoadLine, roadLines } from './check'
import { verdict } from './verdict'

function results(ok: RoadLine[], unknown: RoadLine[] = []) {
  const stateOf = (line: RoadLine) =>
    ok.includes(line) ? 'ok' : unknown.includes(line) ? 'unknown' : 'no'
  return Object.fromEntries(roadLines.map((line) => [line, { state: stateOf(line) }]))
}

describe('what works comes to', () => {
  it.each([
    ['all', [...roadLines]],
    ['all', ['vds', 'pc', 'lan']],
    ['unseen', ['vds', 'lan']],
    ['home', ['lan']],
    ['away', ['vds', 'pc', 'p2p']],
    ['away', ['vds', 'pc', 'p2p', 'relay_udp', 'relay_tcp', 'relay_tls']],
    ['relayed', ['vds', 'pc', 'relay_udp']],
    ['relayed', ['vds', 'pc', 'relay_tcp']],
    ['relayed', ['vds', 'pc', 'relay_tls']],
    ['stuck', ['vds', 'pc']],
    ['pc_off', ['vds', 'p2p', 'relay_udp', 'relay_tcp', 'relay_tls']],
    ['nothing', []],
  ] as const)('%s: %j', (code, ok) => {
    expect(verdict(results([...ok]))).toBe(code)
  })

  it('says nothing of a PC that nobody could ask for', () => {
    expect(verdict(results(['vds', 'lan'], ['pc']))).toBe('all')
  })

  it('is nothing where nothing was tried', () => {
    expect(verdict({})).toBe('nothing')
  })
})
