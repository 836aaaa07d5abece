import { beforeEach, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { TestSocket } from '../../tests/support/socket'
import { openSignaling } from './openSignaling'
import type { Socket } from './signaling'

class TestPolling extends TestSocket {
  constructor(readonly seat: () => void) {
    super()
  }
}

let clock: TestClock
let sockets: TestSocket[]
let polls: TestPolling[]
let told: string[]
let open: () => Socket
let canLoad: boolean

const settle = () => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  clock = new TestClock()
  sockets = []
  polls = []
  told = []
  canLoad = true
  const make = openSignaling({
    clock,
    makeSocket: () => {
      sockets.push(new TestSocket())
      return sockets.at(-1)!
    },
    makePolling: async (onSeated) => {
      if (!canLoad) throw new Error('offline')
      polls.push(new TestPolling(onSeated))
      return Promise.resolve(polls.at(-1)!)
    },
  })
  open = () => {
    const socket = make()
    socket.onopen = () => void told.push('open')
    socket.onmessage = ({ data }) => void told.push(String(data))
    socket.onclose = () => void told.push('close')
    return socket
  }
})

it('is the WebSocket, where that opens', async () => {
  const socket = open()
  expect(socket.readyState).toBe(0)
  sockets[0]!.open()
  clock.pass(60_000)
  socket.send('{"type":"ping"}')
  sockets[0]!.say({ type: 'pong' })
  expect(sockets[0]!.received).toEqual([{ type: 'ping' }])
  sockets[0]!.break()
  await settle()
  expect(told).toEqual(['open', '{"type":"pong"}', 'close'])
  expect(polls).toEqual([])
})

it.each([
  ['is closed before it opens', () => sockets[0]!.break()],
  ['does not open in time', () => clock.pass(5_000)],
])('polls where the WebSocket %s', async (_, fail) => {
  const socket = open()
  fail()
  await settle()
  expect(told).toEqual(['open'])
  sockets[0]!.open()
  socket.send('{"type":"ping"}')
  polls[0]!.say({ type: 'pong' })
  expect(polls[0]!.received).toEqual([{ type: 'ping' }])
  expect(sockets[0]!.received).toEqual([])
  expect(sockets[0]!.closed).toBe(true)
  polls[0]!.break()
  expect(told).toEqual(['open', '{"type":"pong"}', 'close'])
  expect(polls).toHaveLength(1)
})

it('polls at once where that worked before, and tries a WebSocket again after a while', async () => {
  open()
  sockets[0]!.break()
  await settle()
  polls[0]!.seat()
  open()
  await settle()
  expect([sockets.length, polls.length]).toEqual([1, 2])
  clock.pass(600_000)
  open()
  await settle()
  expect([sockets.length, polls.length]).toEqual([2, 2])
})

it('blames no WebSocket where nothing gets through', async () => {
  open()
  sockets[0]!.break()
  await settle()
  polls[0]!.break()
  open()
  await settle()
  expect([sockets.length, polls.length]).toEqual([2, 1])
})

it('ends where polling cannot be loaded', async () => {
  canLoad = false
  const socket = open()
  sockets[0]!.break()
  await settle()
  expect(told).toEqual(['close'])
  expect(socket.readyState).toBe(3)
})

it('begins nothing after it was closed', async () => {
  open().close()
  clock.pass(60_000)
  await settle()
  expect(sockets[0]!.closed).toBe(true)
  const socket = open()
  sockets[1]!.break()
  socket.close()
  await settle()
  expect(told).toEqual([])
  expect(polls.every(({ readyState }) => readyState !== 1)).toBe(true)
})
