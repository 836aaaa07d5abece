import { describe, expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import { delayMs } from './backoff'
import {
  type Action,
  type Connection,
  disconnected,
  type Input,
  linkTable,
  type LinkInput,
  type LinkState,
  nextDueMs,
  patienceMs,
  socketTable,
  type SocketInput,
  type SocketState,
  standing,
  step,
} from './connection'

const half = 0.5
const found = { type: 'home_found', home: 'pc' } as const

function run(inputs: Input[], from = disconnected, nowMs = 0) {
  return inputs.reduce(
    ({ connection, actions }, input) => {
      const stepped = step(connection, input, nowMs, half)
      return { connection: stepped.connection, actions: [...actions, ...stepped.actions] }
    },
    { connection: from, actions: [] as Action[] },
  )
}

const ready: Input[] = [{ type: 'start' }, { type: 'socket_ready' }]
const dialing: Input[] = [...ready, found]
const proving: Input[] = [...dialing, { type: 'channel_opened' }]
const greeting: Input[] = [...proving, { type: 'bound' }]
const fresh: Input[] = [...greeting, { type: 'welcomed' }]
const settled = run([{ type: 'due' }], run(fresh).connection, 5_000).connection

/** Every transition there is. What is not here changes nothing. */
const socketRows: [SocketState, SocketInput, SocketState, ...Action[]][] = [
  ['off', 'start', 'opening', 'open_socket'],
  ['opening', 'stop', 'off', 'close_socket'],
  ['opening', 'ready', 'ready'],
  ['opening', 'closed', 'resting'],
  ['opening', 'due', 'resting', 'close_socket'],
  ['ready', 'stop', 'off', 'close_socket'],
  ['ready', 'closed', 'resting'],
  ['ready', 'wake', 'ready', 'probe_socket'],
  ['resting', 'stop', 'off'],
  ['resting', 'due', 'opening', 'open_socket'],
  ['resting', 'wake', 'opening', 'open_socket'],
]

const linkRows: [LinkState, LinkInput, LinkState, ...Action[]][] = [
  ['off', 'start', 'alone'],
  ['alone', 'stop', 'off'],
  ['alone', 'found', 'dialing', 'dial'],
  ['dialing', 'stop', 'off', 'hang_up'],
  ['dialing', 'found', 'dialing', 'hang_up', 'dial'],
  ['dialing', 'left', 'alone', 'hang_up'],
  ['dialing', 'opened', 'proving', 'prove'],
  ['dialing', 'lost', 'resting'],
  ['dialing', 'due', 'resting', 'hang_up'],
  ['proving', 'stop', 'off', 'hang_up'],
  ['proving', 'bound', 'greeting', 'greet'],
  ['proving', 'lost', 'resting'],
  ['greeting', 'stop', 'off', 'hang_up'],
  ['greeting', 'found', 'dialing', 'hang_up', 'dial'],
  ['greeting', 'welcomed', 'fresh'],
  ['greeting', 'lost', 'resting'],
  ['greeting', 'due', 'resting', 'hang_up'],
  ['fresh', 'stop', 'off', 'hang_up'],
  ['fresh', 'found', 'fresh', 'probe'],
  ['fresh', 'left', 'fresh', 'probe'],
  ['fresh', 'lost', 'resting'],
  ['fresh', 'due', 'open'],
  ['fresh', 'wake', 'fresh', 'probe'],
  ['open', 'stop', 'off', 'hang_up'],
  ['open', 'found', 'open', 'probe'],
  ['open', 'left', 'open', 'probe'],
  ['open', 'lost', 'dialing', 'dial'],
  ['open', 'wake', 'open', 'probe'],
  ['resting', 'stop', 'off'],
  ['resting', 'found', 'dialing', 'dial'],
  ['resting', 'left', 'alone'],
  ['resting', 'due', 'dialing', 'dial'],
  ['resting', 'wake', 'dialing', 'dial'],
]

function rowsOf(table: Record<string, object>): unknown[] {
  return Object.entries(table).flatMap(([state, row]) =>
    Object.entries(row as Record<string, unknown[]>).map(([input, to]) => [state, input, ...to]),
  )
}

describe('the tables', () => {
  it('are these rows and no others', () => {
    expect(rowsOf(socketTable)).toEqual(socketRows)
    expect(rowsOf(linkTable)).toEqual(linkRows)
  })

  const socketInputs: Record<SocketInput, Input> = {
    start: { type: 'start' },
    stop: { type: 'stop' },
    ready: { type: 'socket_ready' },
    closed: { type: 'socket_closed' },
    due: { type: 'due' },
    wake: { type: 'wake' },
  }
  for (const [state, input, to, ...actions] of socketRows) {
    it(`socket ${state}: ${input} leads to ${to}`, () => {
      const from: Connection = { ...disconnected, socket: { state, dueMs: 0, failures: 0 } }
      const stepped = step(from, socketInputs[input], 1_000, half)
      expect(stepped.connection.socket.state).toBe(to)
      expect(stepped.actions).toEqual(actions)
    })
  }

  const linkInputs: Record<LinkInput, Input> = {
    start: { type: 'start' },
    stop: { type: 'stop' },
    found: { type: 'home_found', home: 'another' },
    left: { type: 'home_left' },
    opened: { type: 'channel_opened' },
    bound: { type: 'bound' },
    welcomed: { type: 'welcomed' },
    lost: { type: 'channel_lost' },
    due: { type: 'due' },
    wake: { type: 'wake' },
  }
  for (const [state, input, to, ...actions] of linkRows) {
    it(`link ${state}: ${input} leads to ${to}`, () => {
      const from: Connection = {
        socket: { state: 'off', dueMs: null, failures: 0 },
        link: { state, dueMs: 0, failures: 0 },
        home: 'pc',
      }
      const stepped = step(from, linkInputs[input], 1_000, half)
      expect(stepped.connection.link.state).toBe(to)
      expect(stepped.actions.filter((action) => action !== 'open_socket')).toEqual(actions)
    })
  }
})

describe('a connection', () => {
  it('is made in this order', () => {
    expect(run(fresh).actions).toEqual(['open_socket', 'dial', 'prove', 'greet'])
  })

  it('dials again at once when it breaks after it had held', () => {
    const { connection, actions } = run([{ type: 'channel_lost' }], settled, 60_000)
    expect(actions).toEqual(['dial'])
    expect(connection.link).toEqual({ state: 'dialing', dueMs: 75_000, failures: 0 })
  })

  it('that breaks at once again and again is tried less and less often', () => {
    let { connection } = run(fresh)
    const delays: number[] = []
    for (let count = 0; count < 4; count++) {
      connection = run([{ type: 'channel_lost' }], connection, 0).connection
      delays.push(connection.link.dueMs!)
      const back: Input[] = [{ type: 'due' }, ...fresh.slice(dialing.length)]
      connection = run(back.slice(0, 1), connection, connection.link.dueMs!).connection
      connection = run(back.slice(1), connection, 0).connection
    }
    expect(delays).toEqual([1, 2, 3, 4].map((failures) => delayMs(failures, half)))
  })

  it('gives up dialing when its patience is over', () => {
    const { connection } = run(dialing)
    expect(nextDueMs(connection)).toBe(patienceMs.dialing)
    const { connection: later, actions } = run([{ type: 'due' }], connection, 15_000)
    expect(actions).toEqual(['hang_up'])
    expect(later.link.state).toBe('resting')
  })

  it('does nothing when it is not due', () => {
    const { connection } = run(dialing)
    expect(run([{ type: 'due' }], connection, 14_999).connection).toBe(connection)
  })

  it('greets nobody who has not proved who they are', () => {
    const { connection, actions } = run([{ type: 'welcomed' }, { type: 'channel_opened' }], run(proving).connection)
    expect([connection.link.state, actions]).toEqual(['proving', []])
  })

  it('is not cut short by news of the VDS while the two ends prove who they are', () => {
    const news: Input[] = [{ type: 'home_left' }, { type: 'home_found', home: 'new' }, { type: 'due' }]
    const { connection, actions } = run(news, run(proving).connection, 100_000)
    expect([connection.link.state, actions]).toEqual(['proving', []])
  })

  it('survives the loss of the socket while its channel is open', () => {
    const { connection, actions } = run([{ type: 'socket_closed' }], settled, 60_000)
    expect(connection.link.state).toBe('open')
    expect(actions).toEqual(['probe'])
    expect(standing(connection, true)).toBe('connected')
  })

  it('waits for the PC to be seen where there is nobody to dial', () => {
    const gone = run([{ type: 'home_left' }, { type: 'channel_lost' }], settled).connection
    expect(gone.link.state).toBe('alone')
    expect(run([{ type: 'home_found', home: 'new' }], gone).actions).toEqual(['dial'])
  })

  it('takes a presence that it knows for nothing new', () => {
    expect(run([found], settled).actions).toEqual([])
  })

  it('does not rest when it is woken', () => {
    const resting = run([...dialing, { type: 'channel_lost' }]).connection
    expect(run([{ type: 'wake' }], resting).actions).toContain('dial')
  })
})

describe('through any order of things it', () => {
  const inputs: Input[] = [
    { type: 'start' },
    { type: 'stop' },
    { type: 'wake' },
    { type: 'due' },
    { type: 'socket_ready' },
    { type: 'socket_closed' },
    found,
    { type: 'home_found', home: 'other' },
    { type: 'home_left' },
    { type: 'channel_opened' },
    { type: 'bound' },
    { type: 'welcomed' },
    { type: 'channel_lost' },
  ]

  it('never has two calls at once, never greets uncalled, and always has a way on', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seeded(seed)
      let connection = disconnected
      let calls = 0
      let now = 0
      for (let count = 0; count < 60; count++) {
        now += Math.floor(random() * 4_000)
        const input = inputs[Math.floor(random() * inputs.length)]!
        const at = `seed ${String(seed)}, step ${String(count)}, ${input.type}`
        // Outside the machine, a call that is over is not told to be over again.
        if (input.type === 'channel_lost' && calls === 0) continue
        if (input.type === 'channel_opened' && calls === 0) continue
        if (input.type === 'channel_lost') calls = 0
        const stepped = step(connection, input, now, random())
        connection = stepped.connection
        for (const action of stepped.actions) {
          if (action === 'dial') calls++
          if (action === 'hang_up') calls = 0
          if (action === 'greet' && calls !== 1) throw new Error(`greets uncalled, ${at}`)
        }
        const { socket, link } = connection
        const called = ['dialing', 'proving', 'greeting', 'fresh', 'open'].includes(link.state)
        if (calls > 1 || called !== (calls === 1)) throw new Error(`${String(calls)} calls, ${at}`)
        const stuck = [socket, link].some(
          ({ state, dueMs }) => (state === 'resting' || state === 'opening') && dueMs === null,
        )
        if (stuck) throw new Error(`no way on, ${at}`)
      }
    }
  })
})

describe('the badge', () => {
  const cases: [string, Input[], string][] = [
    ['nothing begun', [], 'offline'],
    ['opening', [{ type: 'start' }], 'connecting'],
    ['the server is not there', [{ type: 'start' }, { type: 'socket_closed' }], 'offline'],
    ['the PC is not there', ready, 'pc_offline'],
    ['dialing', dialing, 'connecting'],
    ['proving', proving, 'connecting'],
    ['greeting', greeting, 'connecting'],
    ['welcomed', fresh, 'connected'],
  ]
  for (const [name, inputs, says] of cases) {
    it(`${name}: ${says}`, () => expect(standing(run(inputs).connection, true)).toBe(says))
  }

  it('believes a browser that knows of no network, unless the link is open', () => {
    expect(standing(run(dialing).connection, false)).toBe('offline')
    expect(standing(settled, false)).toBe('connected')
  })
})
