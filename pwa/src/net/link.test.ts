import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { callOver, nowhere } from '../../tests/support/dials'
import { TestDataChannel } from '../../tests/support/dataChannel'
import { welcomeOf } from '../../tests/support/messages'
import { TestSocket } from '../../tests/support/socket'
import { ticket } from '../../tests/support/ticket'
import { fingerprints } from '../../tests/support/trust'
import type { FromHome, LanTicket, Signal } from '../protocol/generated'
import { type Connection, disconnected } from './connection'
import type { OpeningHandlers } from './opening'
import { ProblemError, Unreachable } from './errors'
import { type Link, makeLink } from './link'
import type { DialHandlers, DirectDial, SignalPost } from './road'

interface TestCall {
  signals: SignalPost
  handlers: DialHandlers
  hangUps: number
}

interface TestOpening {
  handlers: OpeningHandlers
  stopped: boolean
}

let clock: TestClock
let sockets: TestSocket[]
let calls: TestCall[]
let openings: TestOpening[]
let token: () => Promise<string>
let distrusted: string[]
let connection: Connection
let said: FromHome[]
let told: string[]
let codes: (string | null)[]
let tickets: (LanTicket | null)[]
let direct: DirectDial
let link: Link

beforeEach(() => {
  clock = new TestClock()
  sockets = []
  calls = []
  openings = []
  token = () => Promise.resolve('token')
  distrusted = []
  connection = disconnected
  said = []
  told = []
  codes = []
  tickets = []
  direct = nowhere
  const make = makeLink({
    clock,
    token: () => token(),
    distrust: (one) => void distrusted.push(one),
    open: (_channel, _fingerprints, handlers) => {
      const opening: TestOpening = { handlers, stopped: false }
      openings.push(opening)
      return { stop: () => (opening.stopped = true) }
    },
    hello: () => ({ type: 'hello', version: 1, after: 5 }),
    openSocket: () => {
      const socket = new TestSocket()
      sockets.push(socket)
      return socket
    },
    dials: {
      direct: (handlers) => direct(handlers),
      signaled: (signals, handlers) => {
        const call: TestCall = { signals, handlers, hangUps: 0 }
        calls.push(call)
        return callOver('relay', () => call.hangUps++)
      },
    },
  })
  link = make({
    onConnection: (value) => (connection = value),
    onMessage: (message) => void said.push(message),
    onWelcomed: () => void told.push('welcomed'),
    onRoundTrip: () => void told.push('round trip'),
    onLoggedOut: () => void told.push('logged out'),
    onCode: (code) => void codes.push(code),
    onTicket: (ticket) => void tickets.push(ticket),
    onRefused: (code) => void told.push(code),
    onAttack: () => void told.push('attack'),
  })
})

const settle = () => Promise.resolve().then(() => Promise.resolve())

async function admitted(home: string | null = 'pc'): Promise<TestSocket> {
  link.start()
  await settle()
  sockets[0]!.admit(home)
  return sockets[0]!
}

const welcome = welcomeOf(5, { heartbeat_s: 2 })

/** A channel on which nobody has proved anything. */
async function opened(): Promise<TestDataChannel> {
  await admitted()
  const data = new TestDataChannel()
  calls[0]!.handlers.onOpen(data, fingerprints)
  return data
}

/** Told its code a little later than it is bound. */
const derived = Promise.resolve('7ZRA-0W4K')

async function bound(): Promise<TestDataChannel> {
  const data = await opened()
  openings[0]!.handlers.onBound(derived, ticket)
  return data
}

async function connected(): Promise<TestDataChannel> {
  const data = await bound()
  data.say(welcome)
  return data
}

describe('the way to the PC', () => {
  it('begins with the token in the first frame', async () => {
    const socket = await admitted()
    expect(socket.received).toEqual([
      { type: 'authenticate', version: 1, token: 'token' },
      { type: 'join_room', room: 'room' },
    ])
    expect(calls).toHaveLength(1)
  })

  it('says hello with what it has, and sends nothing before it is welcomed', async () => {
    const data = await bound()
    link.send({ type: 'stop_answer', id: 'a', answer: 'b' })
    expect(data.received).toEqual([{ type: 'hello', version: 1, after: 5 }])
    data.say(welcome)
    expect(told).toEqual(['welcomed'])
    expect(said).toEqual([welcome])
    await settle()
    expect([connection.link.road, tickets]).toEqual(['relay', [ticket]])
  })

  it('carries signals to the PC and back to the call that they are for', async () => {
    const socket = await admitted()
    const heard: Signal[] = []
    calls[0]!.signals.listen('mine', (signal) => void heard.push(signal))
    const offer = { type: 'offer', connection: 'mine', sdp: 'o' } as const
    calls[0]!.signals.post(offer)
    expect(socket.received.at(-1)).toEqual({
      type: 'post_signal',
      room: 'room',
      to: 'pc',
      signal: offer,
    })
    const sender = { id: 'pc', role: 'home' }
    for (const name of ['mine', 'other']) {
      const signal = { type: 'answer', connection: name, sdp: 'a' }
      socket.say({ type: 'signal_posted', room: 'room', sender, signal })
    }
    expect(heard.map((signal) => signal.connection)).toEqual(['mine'])
  })

  it('waits for a PC that is not there, and dials when it comes', async () => {
    const socket = await admitted(null)
    expect(calls).toHaveLength(0)
    const peer = { id: 'pc', role: 'home' }
    socket.say({ type: 'presence_changed', room: 'room', peer, online: true })
    expect(calls).toHaveLength(1)
  })

  it('keeps its channel when the socket breaks, and opens another socket', async () => {
    const data = await connected()
    sockets[0]!.break()
    data.say({ type: 'alive', sent_ms: clock.now() })
    clock.pass(1_000)
    await settle()
    expect(sockets).toHaveLength(2)
    expect([data.closed, connection.link.state]).toEqual([false, 'speaking'])
  })

  it('is dialed again when the channel dies', async () => {
    const data = await connected()
    clock.pass(6_000)
    expect([data.closed, calls[0]!.hangUps]).toEqual([true, 1])
    expect(calls).toHaveLength(2)
  })

  it('is dialed again when something was missed', async () => {
    const data = await connected()
    link.resync()
    clock.pass(500)
    expect([data.closed, calls.length]).toEqual([true, 2])
  })

  it('is given up after 8 s and tried again', async () => {
    await admitted()
    clock.pass(8_000)
    expect(calls[0]!.hangUps).toBe(1)
    clock.pass(500)
    expect(calls).toHaveLength(2)
  })

  it('ends when it is told to', async () => {
    const data = await connected()
    link.stop()
    expect([data.closed, sockets[0]!.closed, connection.link.road]).toEqual([true, true, null])
    clock.pass(60_000)
    expect([sockets.length, calls.length]).toEqual([1, 1])
  })
})

describe('a channel on which nobody has proved anything', () => {
  it('carries nothing of a chat', async () => {
    const data = await opened()
    link.send({ type: 'stop_answer', id: 'a', answer: 'b' })
    data.say(welcome)
    expect([data.frames, said, connection.link.state]).toEqual([[], [], 'none'])
    openings[0]!.handlers.onBound(derived, ticket)
    expect(data.types()).toEqual(['hello'])
  })

  it('is left, and not for long, when the try comes to nothing', async () => {
    const data = await opened()
    openings[0]!.handlers.onLost()
    expect([data.closed, calls[0]!.hangUps, connection.lines.signaled.state]).toEqual([true, 1, 'resting'])
    clock.pass(500)
    expect([calls.length, told]).toEqual([2, []])
  })

  it('is heard no more when the link is stopped', async () => {
    const data = await opened()
    link.stop()
    expect([openings[0]!.stopped, data.closed]).toEqual([true, true])
  })
})

it('tells the code of the channel in use, and of none that is gone', async () => {
  let tell!: (code: string) => void
  const late = new Promise<string>((resolve) => (tell = resolve))
  const first = await opened()
  openings[0]!.handlers.onBound(late, null)
  first.say(welcome)
  link.resync()
  tell('late')
  clock.pass(500)
  const data = new TestDataChannel()
  calls[1]!.handlers.onOpen(data, fingerprints)
  openings[1]!.handlers.onBound(derived, null)
  await settle()
  expect(codes).toEqual([null])
  data.say(welcome)
  expect(codes).toEqual([null, '7ZRA-0W4K'])
})

describe('the token', () => {
  it('that nobody can renew ends it', async () => {
    token = () => Promise.reject(new ProblemError('not_logged_in', ''))
    link.start()
    await settle()
    expect(told).toEqual(['logged out'])
    expect(sockets).toHaveLength(0)
  })

  it('that cannot be fetched now is tried for again', async () => {
    token = () => Promise.reject(new Unreachable(''))
    link.start()
    await settle()
    expect(connection.socket.state).toBe('resting')
    token = () => Promise.resolve('token')
    clock.pass(500)
    await settle()
    expect(sockets).toHaveLength(1)
  })

  it('that comes after the stop opens nothing', async () => {
    link.start()
    link.stop()
    await settle()
    expect(sockets).toHaveLength(0)
  })

  it('that the server refuses is not trusted again', async () => {
    link.start()
    await settle()
    sockets[0]!.open()
    sockets[0]!.say({ type: 'error', code: 'token_expired', message: '' })
    expect(distrusted).toEqual(['token'])
    expect(connection.socket.state).toBe('resting')
  })
})

it('says so when the two ends speak different versions', async () => {
  const data = await bound()
  data.say({ type: 'error', code: 'unsupported_version', message: '' })
  expect([told, data.closed, connection.link.state]).toEqual([['unsupported_version'], true, 'none'])
})

it('wants a sign of life at once when it is woken', async () => {
  const data = await connected()
  clock.sleep(1_000)
  link.wake()
  expect(data.types().slice(-1)).toEqual(['heartbeat'])
  expect(sockets[0]!.received.at(-1)).toEqual({ type: 'ping' })
})

it('takes a socket that gives no pong for dead', async () => {
  const socket = await admitted(null)
  clock.pass(25_000)
  expect(socket.received.at(-1)).toEqual({ type: 'ping' })
  clock.pass(8_000)
  expect(socket.closed).toBe(true)
})
