import { beforeEach, describe, expect, it } from 'vitest'
import { TestBinarySocket } from '../../tests/support/binarySocket'
import { TestClock } from '../../tests/support/clock'
import { SocketChannel } from './socketChannel'

let clock: TestClock
let socket: TestBinarySocket
let channel: SocketChannel
let drained: number

beforeEach(() => {
  clock = new TestClock()
  socket = new TestBinarySocket()
  channel = new SocketChannel(socket, clock)
  drained = 0
  channel.bufferedAmountLowThreshold = 10
  channel.onbufferedamountlow = () => drained++
})

describe('a socket as a channel', () => {
  it('carries frames both ways', () => {
    const heard: unknown[] = []
    channel.onmessage = ({ data }) => heard.push(data)
    channel.send(Uint8Array.of(1, 2))
    const frame = Uint8Array.of(3).buffer
    socket.onmessage?.({ data: frame } as MessageEvent)
    expect([socket.frames, heard]).toEqual([[Uint8Array.of(1, 2)], [frame]])
  })

  it('tells when it has drained, once', () => {
    channel.send(new Uint8Array(30))
    channel.send(new Uint8Array(30))
    expect(channel.bufferedAmount).toBe(60)
    clock.pass(1_000)
    expect(drained).toBe(0)
    socket.bufferedAmount = 10
    clock.pass(1_000)
    expect(drained).toBe(1)
  })

  it('tells nothing of a buffer that was never full', () => {
    channel.send(new Uint8Array(10))
    socket.bufferedAmount = 0
    clock.pass(1_000)
    expect(drained).toBe(0)
  })

  it('tells when it drains anew', () => {
    for (const round of [1, 2]) {
      channel.send(new Uint8Array(30))
      socket.bufferedAmount = 0
      clock.pass(1_000)
      expect(drained).toBe(round)
    }
  })

  it('closes the socket, and looks at it no more', () => {
    channel.send(new Uint8Array(30))
    channel.close()
    socket.bufferedAmount = 0
    clock.pass(1_000)
    expect([socket.closed, drained]).toEqual([true, 0])
  })

  it('says that it is closed when the socket is', () => {
    let closed = 0
    channel.onclose = () => closed++
    channel.send(new Uint8Array(30))
    socket.break()
    socket.bufferedAmount = 0
    clock.pass(1_000)
    expect([closed, drained]).toEqual([1, 0])
  })
})
