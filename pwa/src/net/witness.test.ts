import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { callOver, nowhere } from '../../tests/support/dials'
import { TestSocket } from '../../tests/support/socket'
import { makeLink } from './link'
import { Witness } from './witness'

let now = 1_000
let witness: Witness

beforeEach(() => {
  now = 1_000
  witness = new Witness(() => now++)
})

const sdp = [
  'v=0',
  'o=- 4611 2 IN IP4 127.0.0.1',
  'c=IN IP4 192.0.2.7',
  'a=ice-pwd:SECRETPASSWORD',
  'a=fingerprint:sha-256 AA:BB:CC',
  'a=candidate:1 1 udp 2122 192.0.2.7 5000 typ host generation 0',
  'a=candidate:2 1 udp 1686 203.0.113.9 5001 typ srflx raddr 192.0.2.7 rport 5000',
  'a=candidate:3 1 udp 2122 2001:db8::5 5002 typ host',
  'c=IN IP4 0.0.0.0',
].join('\r\n')

const post = (signal: object) => JSON.stringify({ type: 'post_signal', room: 'r', to: 'h', signal })

describe('the witness', () => {
  it('keeps the kind, size, time and direction of every frame', () => {
    const text = JSON.stringify({ type: 'error', message: 'нет' })
    witness.frame('sent', '{"type":"ping"}')
    witness.frame('got', text)
    expect(witness.log.seen).toEqual([
      { atMs: 1_000, direction: 'sent', kind: 'ping', bytes: 15 },
      { atMs: 1_001, direction: 'got', kind: 'error', bytes: text.length + 3 },
    ])
  })

  it('keeps of a description its addresses and nothing else', () => {
    witness.frame('sent', post({ type: 'offer', connection: 'c', sdp }))
    expect(witness.log.seen[0]?.kind).toBe('offer')
    expect(witness.log.addresses.sent).toEqual(['192.0.2.7', '203.0.113.9', '2001:db8::5'])
    expect(JSON.stringify(witness.log)).not.toMatch(/SECRET|fingerprint|AA:BB|4611|v=0/)
  })

  it('keeps no token and no password', async () => {
    witness.frame('sent', '{"type":"authenticate","version":1,"token":"TOKEN"}')
    const fetch = witness.watch(() => Promise.resolve(new Response('{"access_token":"TOKEN"}')))
    await fetch('/api/session', { method: 'POST', body: '{"password":"TOKEN"}' })
    expect(JSON.stringify(witness.log)).not.toContain('TOKEN')
  })

  it('tells the addresses of this device from those of the PC', () => {
    const own = '8f2b1c9e-0f7a-4a52-9d6e-1a2b3c4d5e6f.local'
    const candidate = (at: string) => `candidate:1 1 udp 1 ${at} 9 typ host`
    witness.frame('sent', post({ type: 'candidate', connection: 'c', candidate: candidate(own) }))
    witness.frame('got', post({ type: 'candidate', connection: 'c', candidate: candidate('10.0.0.2') }))
    expect(witness.log.addresses).toEqual({ sent: [own], got: ['10.0.0.2'] })
  })

  it('takes nothing for an address that is none', () => {
    witness.frame('got', post({ type: 'offer', sdp: 'c=IN IP4 my-private-note\na=candidate:1 1 udp 1 words 9 typ host' }))
    expect(witness.log.addresses.got).toEqual([])
  })

  it('goes on over what it cannot read', () => {
    for (const text of ['not JSON', 'null', '{"type":7}', '{}']) witness.frame('got', text)
    expect(witness.log.seen.map(({ kind }) => kind)).toEqual(['?', '?', '?', '?'])
  })

  it('lists the last two hundred, and counts all', () => {
    for (let n = 0; n < 250; n++) witness.frame('sent', '{"type":"ping"}')
    expect(witness.log.seen).toHaveLength(200)
    expect(witness.log.seen.at(-1)?.atMs).toBe(1_249)
    expect(witness.log.totals.sent).toEqual({ count: 250, bytes: 250 * 15 })
  })

  it('sees requests and answers, and hands them on as they were', async () => {
    const fetch = witness.watch(() => Promise.resolve(new Response('answer', { status: 201 })))
    const response = await fetch('/api/session?next=private', { method: 'POST', body: 'four' })
    expect([response.status, await response.text()]).toEqual([201, 'answer'])
    const shown = witness.log.seen.map(({ direction, kind, bytes }) => [direction, kind, bytes])
    expect(shown).toEqual([
      ['sent', 'POST /api/session', 4],
      ['got', 'POST /api/session', 6],
    ])
    expect(witness.log.loggedInMs).toBe(1_002)
  })

  it('takes a refused log-in for none', async () => {
    const refused = new Response('{}', { status: 401 })
    await witness.watch(() => Promise.resolve(refused))('/api/session', { method: 'POST' })
    expect(witness.log.loggedInMs).toBeNull()
  })

  it('hands a failure on, and has seen the request', async () => {
    const fetch = witness.watch(() => Promise.reject(new TypeError('no network')))
    await expect(fetch('/api/session/refresh', { method: 'POST' })).rejects.toThrow('no network')
    expect(witness.log.seen).toHaveLength(1)
  })

  it('shortens what names one thing in a path', async () => {
    const fetch = witness.watch(() => Promise.resolve(new Response(null, { status: 204 })))
    await fetch(`/api/passkeys/${'k'.repeat(40)}`, { method: 'DELETE' })
    expect(witness.log.seen[0]?.kind).toBe('DELETE /api/passkeys/…')
  })

  it('notes when the VDS let this app in', () => {
    witness.frame('sent', '{"type":"authenticate"}')
    expect(witness.log.connectedMs).toBeNull()
    witness.frame('got', '{"type":"authenticated"}')
    expect(witness.log.connectedMs).toBe(1_002)
  })
})

it('is told of every frame of a link', async () => {
  const socket = new TestSocket()
  const nothing = () => undefined
  const link = makeLink({
    clock: new TestClock(),
    token: () => Promise.resolve('token'),
    distrust: nothing,
    hello: () => ({ type: 'hello', version: 1, after: 0 }),
    openSocket: () => socket,
    dials: { direct: nowhere, signaled: () => callOver('p2p') },
    open: () => ({ stop: nothing }),
    onFrame: witness.frame,
  })({
    onConnection: nothing,
    onMessage: nothing,
    onWelcomed: nothing,
    onRoundTrip: nothing,
    onLoggedOut: nothing,
    onCode: nothing,
    onTicket: nothing,
    onAttack: nothing,
    onRefused: nothing,
  })
  link.start()
  await Promise.resolve()
  await Promise.resolve()
  socket.admit(null)
  const shown = witness.log.seen.map(({ direction, kind }) => `${direction} ${kind}`)
  expect(shown).toEqual([
    'sent authenticate',
    'got authenticated',
    'sent join_room',
    'got room_joined',
  ])
})
