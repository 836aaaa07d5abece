import { beforeEach, describe, expect, it, vi } from 'vitest'
import { hasty, TestPolls } from '../../tests/support/polls'
import { SIGNALING_BYTES } from '../protocol/generated'
import { PollingSocket } from './polling'

let server: TestPolls
let socket: PollingSocket
let got: unknown[]
let seated: number
let closed: number

beforeEach(() => {
  server = new TestPolls()
  got = []
  seated = closed = 0
  socket = open()
})

function open(): PollingSocket {
  const made = new PollingSocket({ fetch: server.fetch, clock: hasty, onSeated: () => seated++ })
  made.onopen = () => made.send('{"type":"authenticate"}')
  made.onmessage = ({ data }) => void got.push(JSON.parse(data as string))
  made.onclose = () => closed++
  return made
}

const until = (wanted: () => void) => vi.waitFor(wanted, { interval: 1 })
const say = (number: number) => JSON.stringify({ number })

it('authenticates, then carries messages both ways', async () => {
  socket.open()
  socket.send(say(0))
  await until(() => expect(server.taken).toEqual(['{"type":"authenticate"}', say(0)]))
  server.say({ type: 'pong' })
  await until(() => expect(got).toEqual([{ type: 'pong' }]))
  expect([socket.readyState, seated, closed]).toEqual([1, 1, 0])
})

/** Park and Miller's generator: a test that fails can be run again. */
function chances(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

it('loses, doubles and turns round no message, whatever requests and answers are lost', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    server = new TestPolls()
    got = []
    socket = open()
    const chance = chances(seed)
    const inARow = { GET: 0, POST: 0 }
    server.fate = (request) => {
      if (request === 'POST /api/signaling/poll') return 'well'
      const kind = request.startsWith('GET') ? 'GET' : 'POST'
      const fails = inARow[kind] < 3 && chance() < 0.5
      inARow[kind] = fails ? inARow[kind] + 1 : 0
      return fails ? (chance() < 0.5 ? 'lost' : 'unanswered') : 'well'
    }
    socket.open()
    const all = Array.from({ length: 12 }, (_, number) => number)
    for (const number of all) {
      socket.send(say(number))
      server.say({ number })
      if (chance() < 0.5) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => expect(server.taken.slice(1)).toEqual(all.map(say)))
    await until(() => expect(got).toEqual(all.map((number) => ({ number }))))
    socket.close()
  }
})

describe('ends', () => {
  it('with the reason of a server that does not take it in', async () => {
    const body = '{"code":"token_expired","message":"m","retry_after_s":null}'
    server.refusal = { status: 401, body }
    socket.open()
    await until(() => expect(closed).toBe(1))
    expect(got).toEqual([{ ...(JSON.parse(body) as object), type: 'error' }])
    expect([socket.readyState, seated]).toEqual([3, 0])
  })

  it('with what the server says last', async () => {
    socket.open()
    await until(() => expect(seated).toBe(1))
    server.end({ type: 'error', code: 'session_revoked' })
    socket.send(say(0))
    await until(() => expect(closed).toBe(1))
    expect(got).toEqual([{ type: 'error', code: 'session_revoked' }])
  })

  it.each(['GET', 'POST'])('when %s is never answered', async (method) => {
    socket.open()
    await until(() => expect(seated).toBe(1))
    server.fate = (request) => (request.startsWith(method) ? 'lost' : 'well')
    server.say({ type: 'pong' })
    socket.send(say(0))
    await until(() => expect(closed).toBe(1))
    const repeats = server.requests.filter((one) => one.startsWith(method)).length
    expect(repeats).toBeGreaterThanOrEqual(5)
  })

  it.each([
    ['a page of something between', { status: 200, body: '<html>Sign in</html>' }],
    ['an answer that is no Problem', { status: 500, body: '' }],
  ])('at %s', async (_, refusal) => {
    server.refusal = refusal
    socket.open()
    await until(() => expect(closed).toBe(1))
    expect(got).toEqual([])
  })

  it('without a server', async () => {
    server.fate = () => 'lost'
    socket.open()
    await until(() => expect(closed).toBe(1))
    expect(server.requests).toEqual(['POST /api/signaling/poll'])
  })
})

it('leaves when it is closed, and says nothing any more', async () => {
  socket.open()
  await until(() => expect(seated).toBe(1))
  socket.close()
  socket.close()
  socket.send(say(0))
  server.say({ type: 'pong' })
  await until(() => expect(server.requests.at(-1)).toBe('DELETE /api/signaling/poll/a%20b'))
  expect([got, closed, socket.readyState]).toEqual([[], 0, 3])
  expect(server.taken).toHaveLength(1)
})

it('divides what is more than one request may hold', async () => {
  const long = JSON.stringify('x'.repeat(SIGNALING_BYTES / 2))
  socket.open()
  for (let n = 0; n < 4; n++) socket.send(long)
  await until(() => expect(server.taken).toHaveLength(5))
  const posts = server.requests.filter((one) => one.includes('/messages'))
  expect(posts).toHaveLength(4)
})
