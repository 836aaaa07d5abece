import { describe, expect, it } from 'vitest'
import { TestPeer } from '../../tests/support/peer'
import { gather } from './gather'

const hidden = { type: 'host', address: '3f1c.local' }
const shown = { type: 'host', address: '203.0.113.9' }
const reflexive = { type: 'srflx', address: '198.51.100.7' }
const error = 'error'
const end = null

/** What becomes of it where the browser tells this, in this order. */
function gathered(type: 'srflx' | 'relay', ...told: (object | string | null)[]): Promise<boolean> {
  const peer = new TestPeer({}, '') as unknown as RTCPeerConnection
  const answer = gather(() => peer, [], type, new AbortController().signal)
  for (const one of told) {
    if (one === error) peer.onicecandidateerror?.({} as RTCPeerConnectionIceErrorEvent)
    else peer.onicecandidate?.({ candidate: one } as RTCPeerConnectionIceEvent)
  }
  return answer
}

describe('an address from outside', () => {
  it.each([
    ['is what the server says', [hidden, reflexive]],
    ['is the browser’s own where it is shown, and the server said no other', [shown, end]],
  ])('%s', async (_, told) => {
    expect(await gathered('srflx', ...told)).toBe(true)
  })

  it.each([
    ['the browser hides its own, and nobody said another', [hidden, end]],
    ['the server did not answer', [shown, error, end]],
    ['there is no network', [end]],
  ])('is none where %s', async (_, told) => {
    expect(await gathered('srflx', ...told)).toBe(false)
  })
})

it('takes nothing but its own candidate for a relay', async () => {
  expect(await gathered('relay', shown, end)).toBe(false)
  expect(await gathered('relay', shown, { type: 'relay', address: '203.0.113.1' })).toBe(true)
})
