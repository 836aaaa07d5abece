import { beforeEach, describe, expect, it } from 'vitest'
import { TestBinarySocket } from '../../tests/support/binarySocket'
import { TestClock } from '../../tests/support/clock'
import { until } from '../../tests/support/until'
import type { Fingerprints } from '../trust/transcript'
import { loopbackFingerprint } from '../trust/transcript'
import type { DataChannel } from './channel'
import { doorPort, localDial } from './local'

let clock: TestClock
let sockets: TestBinarySocket[]
let opened: [DataChannel, Fingerprints][]
let failed: number
let door: () => Promise<string | null>

beforeEach(() => {
  clock = new TestClock()
  sockets = []
  opened = []
  failed = 0
  door = () => Promise.resolve('http://127.0.0.1:40001')
})

function start() {
  return localDial({
    door: () => door(),
    makeSocket: (address) => {
      const socket = new TestBinarySocket(address)
      sockets.push(socket)
      return socket
    },
    clock,
  })({ onOpen: (...open) => void opened.push(open), onFailed: () => void failed++ })
}

async function dial() {
  const call = start()
  await until(() => sockets.length > 0)
  return { call, socket: sockets[0]! }
}

describe('the port of a door', () => {
  it.each([
    ['http://127.0.0.1:40001', 40001],
    ['http://localhost:40001/pair', 40001],
    ['http://[::1]:40001', 40001],
    ['http://127.0.0.1', 80],
    ['http://192.168.1.20:40001', null],
    ['http://127.0.0.1.evil.example:40001', null],
    ['http://127.0.0.1:40001@evil.example', null],
    ['https://127.0.0.1:40001', null],
    ['nonsense', null],
  ])('of %s is %s', (address, port) => {
    expect(doorPort(address)).toBe(port)
  })
})

describe('a dial on the PC itself', () => {
  it('goes to the channel of the door, and takes frames as bytes', async () => {
    const { socket } = await dial()
    expect([socket.address, socket.binaryType]).toEqual([
      'ws://127.0.0.1:40001/channel',
      'arraybuffer',
    ])
  })

  it('gives a channel, with what stands for fingerprints on this port', async () => {
    const { call, socket } = await dial()
    expect(await call.road()).toBeNull()
    socket.open()
    expect(opened.map(([, fingerprints]) => fingerprints)).toEqual([
      {
        home: await loopbackFingerprint('home', 40001),
        device: await loopbackFingerprint('device', 40001),
      },
    ])
    expect([await call.road(), failed]).toEqual(['local', 0])
  })

  it('has its channel closed with it', async () => {
    const { call, socket } = await dial()
    socket.open()
    call.hangUp()
    expect([socket.closed, failed, await call.road()]).toEqual([true, 0, null])
  })

  it.each([
    ['there is no door', () => Promise.resolve(null)],
    ['the door is of another machine', () => Promise.resolve('http://192.168.1.20:40001')],
    ['nobody can be asked for the door', () => Promise.reject(new Error('No server.'))],
  ])('fails and opens nothing where %s', async (_, answer) => {
    door = answer
    start()
    await until(() => failed > 0)
    expect(sockets).toEqual([])
  })

  it('fails once where the door does not take it', async () => {
    const { socket } = await dial()
    socket.break()
    clock.pass(60_000)
    expect(failed).toBe(1)
  })

  it('fails when the door says nothing', async () => {
    const { socket } = await dial()
    clock.pass(2_000)
    socket.open()
    expect([failed, socket.closed, opened]).toEqual([1, true, []])
  })

  it('opens nothing after the hang-up', async () => {
    const { call, socket } = await dial()
    call.hangUp()
    socket.open()
    socket.break()
    expect([opened, failed]).toEqual([[], 0])
  })

  it('does not go on where it was hung up before the door was known', async () => {
    let answer: (address: string) => void = () => undefined
    door = () => new Promise((resolve) => (answer = resolve))
    start().hangUp()
    answer('http://127.0.0.1:40001')
    await loopbackFingerprint('home', 1)
    await loopbackFingerprint('home', 1)
    expect([sockets, failed]).toEqual([[], 0])
  })
})
