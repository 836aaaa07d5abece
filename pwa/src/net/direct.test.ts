import { beforeEach, expect, it } from 'vitest'
import { callOver, nowhere } from '../../tests/support/dials'
import { TestDataChannel } from '../../tests/support/dataChannel'
import { fingerprints } from '../../tests/support/trust'
import { inTurn } from './direct'
import type { DialHandlers, DirectDial } from './road'

let told: string[]
let dialed: Record<string, DialHandlers>

const handlers: DialHandlers = {
  onOpen: () => void told.push('open'),
  onFailed: () => void told.push('failed'),
}

function dial(road: 'local' | 'lan'): DirectDial {
  return (handlers) => {
    dialed[road] = handlers
    return callOver(road, () => told.push(`${road} hung up`))
  }
}

beforeEach(() => {
  told = []
  dialed = {}
})

it('dials the one way alone while it may come to something', async () => {
  const call = inTurn(dial('local'), dial('lan'))(handlers)
  dialed.local!.onOpen(new TestDataChannel(), fingerprints)
  expect([Object.keys(dialed), told, await call.road()]).toEqual([['local'], ['open'], 'local'])
  call.hangUp()
  expect(told).toEqual(['open', 'local hung up'])
})

it('dials the other where the one came to nothing, at once or later', async () => {
  const late = inTurn(dial('local'), dial('lan'))(handlers)
  dialed.local!.onFailed()
  expect([Object.keys(dialed), await late.road(), told]).toEqual([['local', 'lan'], 'lan', []])
  const atOnce = inTurn(nowhere, dial('lan'))(handlers)
  expect(await atOnce.road()).toBe('lan')
  dialed.lan!.onFailed()
  expect(told).toEqual(['failed'])
})

it('dials nothing more after the hang-up', () => {
  inTurn(dial('local'), dial('lan'))(handlers).hangUp()
  dialed.local!.onFailed()
  expect([Object.keys(dialed), told]).toEqual([['local'], ['local hung up']])
})
