import { beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../tests/support/clock'
import { TestDataChannel } from '../../tests/support/dataChannel'
import { id } from '../../tests/support/messages'
import { FRAME_BYTES, type FromHome } from '../protocol/generated'
import { Channel } from './channel'
import { bufferBytes } from './sendQueue'

let clock: TestClock
let data: TestDataChannel
let channel: Channel
let heard: FromHome[]
let roundTrips: number[]
let lost: number
let quiet: (number | 'spoke')[]

beforeEach(() => {
  clock = new TestClock()
  data = new TestDataChannel()
  heard = []
  roundTrips = []
  lost = 0
  quiet = []
  const handlers = {
    onMessage: (message: FromHome) => void heard.push(message),
    onRoundTrip: (ms: number) => void roundTrips.push(ms),
    onQuiet: () => void quiet.push(clock.now()),
    onSpoke: () => void quiet.push('spoke'),
    onLost: () => void lost++,
  }
  channel = new Channel(data, handlers, clock)
})

const long = {
  type: 'send_message',
  id: id(1),
  chat: id(2),
  message: id(3),
  text: 'x'.repeat(5 * FRAME_BYTES),
} as const

describe('messages', () => {
  it('go there and come back', () => {
    channel.send({ type: 'hello', version: 1, after: 3 })
    expect(data.received).toEqual([{ type: 'hello', version: 1, after: 3 }])
    data.say({ type: 'acknowledged', id: id(1), seq: 4 })
    expect(heard).toEqual([{ type: 'acknowledged', id: id(1), seq: 4 }])
  })

  it('of a type that we do not know are passed over', () => {
    data.say({ type: 'from_the_future' })
    expect([heard.length, lost, data.closed]).toEqual([0, 0, false])
  })

  it('that are broken end the channel: what they said is asked for again', () => {
    data.say({ type: 'delta', index: 'first' })
    expect([lost, data.closed]).toEqual([1, true])
  })

  it('that are no frames end it too', () => {
    data.deliver('text')
    expect(lost).toBe(1)
  })
})

describe('flow control', () => {
  beforeEach(() => (data.drains = false))

  it('fills the buffer to its cap and waits', () => {
    channel.send(long)
    expect(data.frames.length).toBe(1)
    expect(data.bufferedAmount).toBeLessThan(bufferBytes + FRAME_BYTES)
    data.drain()
    expect(data.frames.length).toBe(2)
  })

  it('sends all of it in the end, in order', () => {
    channel.send(long)
    channel.send({ type: 'stop_answer', id: id(4), answer: id(5) })
    for (let count = 0; count < 10; count++) data.drain()
    expect(data.types()).toEqual(['send_message', 'stop_answer'])
  })

  it('lets a heartbeat pass what has not begun, and not break what has', () => {
    channel.send(long)
    channel.send({ type: 'delete_chat', id: id(4), chat: id(2) })
    data.say({ type: 'heartbeat', sent_ms: 7 })
    for (let count = 0; count < 10; count++) data.drain()
    expect(data.types()).toEqual(['send_message', 'alive', 'delete_chat'])
  })

  it('takes a channel that closes under it for lost', () => {
    data.closed = true
    channel.send({ type: 'hello', version: 1, after: 0 })
    expect(lost).toBe(1)
  })
})

describe('the heartbeat', () => {
  it('is answered with the time that it carried', () => {
    data.say({ type: 'heartbeat', sent_ms: 42 })
    expect(data.received).toEqual([{ type: 'alive', sent_ms: 42 }])
  })

  it('tells the round trip', () => {
    channel.beat(2)
    const sent = data.received.at(-1)
    clock.pass(12)
    data.say({ type: 'alive', sent_ms: sent?.type === 'heartbeat' ? sent.sent_ms : 0 })
    expect(roundTrips).toEqual([12])
  })

  it('beats as the welcome asks', () => {
    channel.beat(2)
    for (let second = 0; second < 10; second++) {
      clock.pass(1_000)
      data.say({ type: 'alive', sent_ms: clock.now() })
    }
    expect(data.types()).toEqual(Array(6).fill('heartbeat'))
    expect(lost).toBe(0)
  })

  it('is dead after three misses, and not before', () => {
    channel.beat(2)
    clock.pass(5_999)
    expect(lost).toBe(0)
    clock.pass(1)
    expect([lost, data.closed]).toEqual([1, true])
  })

  it('hears life in anything that comes', () => {
    channel.beat(2)
    clock.pass(5_000)
    data.say({ type: 'acknowledged', id: id(1), seq: 4 })
    clock.pass(5_000)
    expect(lost).toBe(0)
  })

  it('tells of a silence that may be the end, once, and that it was not', () => {
    const begun = clock.now()
    channel.beat(2)
    clock.pass(4_000)
    data.say({ type: 'acknowledged', id: id(1), seq: 4 })
    clock.pass(2_000)
    expect(quiet).toEqual([begun + 3_000, 'spoke'])
  })

  it('takes no long way for a silence', () => {
    channel.beat(2)
    const begun = clock.now()
    clock.pass(1_500)
    data.say({ type: 'alive', sent_ms: begun })
    clock.pass(4_499)
    expect(quiet).toEqual([])
    clock.pass(1)
    expect(quiet).toEqual([begun + 6_000])
  })

  it('that slept longer than the PC waits is dead when it is probed, and asks nothing', () => {
    channel.beat(2)
    clock.sleep(6_000)
    channel.probe(2_500)
    expect([lost, data.types()]).toEqual([1, ['heartbeat']])
  })

  it('when probed does not wait for three misses', () => {
    channel.beat(10)
    channel.probe(2_500)
    expect(data.types()).toEqual(['heartbeat', 'heartbeat'])
    clock.pass(2_500)
    expect(lost).toBe(1)
  })

  it('when probed and answered goes on', () => {
    channel.beat(10)
    channel.probe(2_500)
    clock.pass(100)
    data.say({ type: 'alive', sent_ms: clock.now() })
    clock.pass(2_500)
    expect(lost).toBe(0)
  })

  it('trusts no channel that slept through its misses', () => {
    channel.beat(2)
    clock.sleep(600_000)
    clock.pass(0)
    expect(lost).toBe(1)
  })
})

it('says once that it is lost, and nothing after it was closed', () => {
  data.onclose?.(new Event('close'))
  channel.close()
  expect(lost).toBe(1)
  expect(data.onmessage).toBeNull()
})
