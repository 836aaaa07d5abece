import { describe, expect, it } from 'vitest'
import type { RoadName } from '../protocol/generated'
import { delayMs } from './backoff'
import { type Action, type Connection, disconnected, type Input, nextDueMs, step } from './connection'
import { dialingPatienceMs, type LineName } from './tables'

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

const words = (actions: readonly Action[]) => actions.map((action) => `${action.do} ${action.on}`)

/** From the dial to the welcome, and the road that the browser then tells. */
function answered(on: LineName, road: RoadName | null): Input[] {
  return [
    { type: 'opened', on },
    { type: 'bound', on },
    { type: 'welcomed', on },
    { type: 'told', on, road },
  ]
}

const begun: Input[] = [{ type: 'start' }, { type: 'socket_ready' }, found]

/** In use over this line and road, since the beginning. */
function inUse(on: LineName, road: RoadName): Connection {
  const { connection } = run([...begun, ...answered(on, road).slice(0, 3)])
  return run([{ type: 'told', on: 'link', road }], connection).connection
}

describe('a connection', () => {
  it('is made in this order, over the line that answers first', () => {
    const { connection, actions } = run([...begun, ...answered('signaled', 'relay')])
    expect(words(actions)).toEqual([
      'open socket',
      'dial direct',
      'dial signaled',
      'prove signaled',
      'greet signaled',
      'ask_road signaled',
      'use signaled',
    ])
    expect(connection.link.state).toBe('speaking')
  })

  it('needs no VDS where the PC is near', () => {
    const { connection } = run([{ type: 'start' }, ...answered('direct', 'lan')])
    expect([connection.socket.state, connection.lines.signaled.state]).toEqual(['opening', 'alone'])
    expect([connection.link.state, connection.link.line]).toEqual(['speaking', 'direct'])
  })

  it('greets nobody who has not proved who they are', () => {
    const { connection } = run([...begun, { type: 'opened', on: 'direct' }])
    const { actions } = run([{ type: 'welcomed', on: 'direct' }], connection)
    expect(actions).toEqual([])
  })

  it('is not cut short by news of the VDS while the two ends prove who they are', () => {
    const { connection } = run([...begun, { type: 'opened', on: 'signaled' }])
    const news: Input[] = [{ type: 'home_left' }, { type: 'home_found', home: 'new' }]
    expect(run(news, connection).connection.lines.signaled.state).toBe('proving')
  })

  it('survives the loss of the socket', () => {
    const { connection, actions } = run([{ type: 'socket_closed' }], inUse('signaled', 'p2p'), 60_000)
    expect([connection.link.state, words(actions)]).toEqual(['speaking', ['probe link']])
  })

  it('takes a presence that it knows for nothing new', () => {
    const from = inUse('signaled', 'p2p')
    expect(run([found], from)).toEqual({ connection: from, actions: [] })
  })

  it('does nothing when nothing is due', () => {
    const { connection } = run(begun)
    expect(nextDueMs(connection)).toBe(dialingPatienceMs.direct)
    expect(run([{ type: 'due' }], connection, dialingPatienceMs.direct - 1).connection).toBe(connection)
  })
})

describe('of two that are welcomed', () => {
  const over = (road: RoadName) => [...answered('direct', road)]

  it.each([
    ['relay', 'lan'],
    ['p2p', 'lan'],
    ['lan', 'local'],
  ] as const)('the better one takes over: from %s to %s', (from, to) => {
    const connection = inUse('signaled', from)
    const { connection: after, actions } = run(over(to), connection)
    expect(words(actions)).toContain('use direct')
    expect([after.link.road, after.link.turn]).toEqual([to, 2])
  })

  it.each([
    ['lan', 'lan'],
    ['p2p', 'p2p'],
    ['p2p', 'relay'],
  ] as const)('the other is hung up: %s and %s', (road, other) => {
    const connection = inUse('signaled', road)
    const { connection: after, actions } = run(over(other), connection)
    expect([after.link.road, words(actions).at(-1)]).toEqual([road, 'hang_up direct'])
  })

  it('one whose road is not known is taken for the worst', () => {
    const { connection } = run([{ type: 'due' }], inUse('direct', 'lan'))
    expect(connection.link.road).toBe('lan')
    const relayed = run([{ type: 'lost', on: 'direct' }], inUse('signaled', 'relay')).connection
    const again = run([{ type: 'due' }], relayed, relayed.lines.signaled.dueMs!).connection
    const { actions } = run(answered('signaled', null), again, 60_000)
    expect(words(actions).at(-1)).toBe('hang_up signaled')
  })

  it('a worse one waits while nobody knows whether the one in use is lost', () => {
    const silent = run([{ type: 'quiet', on: 'link' }], inUse('direct', 'lan'), 9_000)
    expect(words(silent.actions)).toEqual(['probe socket', 'dial direct', 'dial signaled'])
    const waiting = run(answered('signaled', 'relay'), silent.connection, 9_000).connection
    expect([waiting.link.road, waiting.lines.signaled.state]).toEqual(['lan', 'up'])

    const spoke = run([{ type: 'spoke', on: 'link' }], waiting, 10_000)
    expect(words(spoke.actions)).toEqual(['hang_up signaled'])
    const lost = run([{ type: 'lost', on: 'link' }], waiting, 10_000)
    expect(words(lost.actions)).toEqual(['hang_up link', 'use signaled'])
  })

  it('a try that could end in nothing better is not gone on with', () => {
    const { actions } = run(answered('direct', 'lan'), run(begun).connection)
    expect(words(actions)).not.toContain('hang_up signaled')
    const told = run([{ type: 'told', on: 'link', road: 'lan' }], run([...begun, ...answered('direct', 'lan').slice(0, 3)]).connection)
    expect(words(told.actions)).toEqual(['hang_up signaled'])
  })
})

describe('beside the one in use', () => {
  /** When a line dials, if every try fails at once, within so long. */
  function dials(name: LineName, from: Connection, withinMs: number): number[] {
    let connection = run([{ type: 'lost', on: 'direct' }], from).connection
    const at: number[] = []
    for (let due = nextDueMs(connection); due !== null && due < withinMs; due = nextDueMs(connection)) {
      const stepped = step(connection, { type: 'due' }, due, 1)
      connection = stepped.connection
      for (const { do: what, on } of stepped.actions) {
        if (what !== 'dial') continue
        if (on === name) at.push(due)
        connection = step(connection, { type: 'lost', on: on as LineName }, due, 1).connection
      }
    }
    return at.map((ms, index) => ms - (at[index - 1] ?? 0))
  }

  it('the direct line is tried after 2, 4, 8 s, and then every 10', () => {
    expect(dials('direct', inUse('signaled', 'relay'), 50_000).slice(1)).toEqual([4_000, 8_000, 10_000, 10_000, 10_000])
    expect(dials('direct', inUse('signaled', 'p2p'), 10_000).length).toBeGreaterThan(1)
  })

  it('the direct line is tried again when what was near turns out to be far', () => {
    const near = run([{ type: 'lost', on: 'direct' }], inUse('signaled', 'lan')).connection
    expect(near.lines.direct.dueMs).toBeNull()
    const far = run([{ type: 'told', on: 'link', road: 'p2p' }], near).connection
    expect(far.lines.direct.dueMs).toBe(1_500)
    expect(words(run([{ type: 'due' }], far, 1_500).actions)).toEqual(['dial direct'])
  })

  it.each(['local', 'lan'] as const)('nothing is tried where the road is %s', (road) => {
    const from = inUse('direct', road)
    expect([dials('direct', from, 600_000), dials('signaled', from, 600_000)]).toEqual([[], []])
  })

  it('the signaled line is tried after 1, 2, 4, 8 and then every 10 minutes, where it is the relay', () => {
    const minutes = dials('signaled', inUse('signaled', 'relay'), 2_400_000).map((ms) => ms / 60_000)
    expect(minutes.slice(1)).toEqual([2, 4, 8, 10, 10])
    expect(dials('signaled', inUse('signaled', 'p2p'), 2_400_000)).toEqual([])
  })

  it('the direct line is tried at once on a wake, and the one in use is probed', () => {
    const resting = run([{ type: 'lost', on: 'direct' }], inUse('signaled', 'relay')).connection
    expect(words(run([{ type: 'wake' }], resting).actions)).toEqual(['probe socket', 'probe link', 'dial direct'])
    const near = run([{ type: 'wake' }], inUse('direct', 'lan'))
    expect(words(near.actions)).toEqual(['probe socket', 'probe link'])
  })
})

describe('a link that is lost', () => {
  it('is looked for on both lines at once', () => {
    const { actions } = run([{ type: 'lost', on: 'link' }], inUse('direct', 'lan'), 60_000)
    expect(words(actions)).toEqual(['hang_up link', 'dial direct', 'dial signaled'])
  })

  it('over and over again, as soon as it is there, is looked for less and less often', () => {
    let { connection } = run([{ type: 'start' }])
    const delays: number[] = []
    for (let count = 0; count < 4; count++) {
      connection = run([...answered('direct', 'lan'), { type: 'lost', on: 'link' }], connection).connection
      delays.push(connection.lines.direct.dueMs!)
      connection = run([{ type: 'due' }], connection, connection.lines.direct.dueMs!).connection
    }
    const pace = { firstMs: 400, longestMs: 10_000 }
    expect(delays).toEqual([1, 2, 3, 4].map((failures) => delayMs(failures, half, pace)))
  })

  it('of a PC that is not seen waits for it on the one line, and dials the other', () => {
    const gone = run([{ type: 'home_left' }, { type: 'lost', on: 'link' }], inUse('signaled', 'p2p'), 60_000)
    expect([gone.connection.lines.signaled.state, gone.connection.lines.direct.state]).toEqual(['alone', 'dialing'])
    expect(words(run([found], gone.connection).actions)).toEqual(['dial signaled'])
  })
})

describe('where things may be done only once', () => {
  const inTurn: Input[] = [{ type: 'start', inTurn: true }, { type: 'socket_ready' }, found]

  it('the lines are dialed one after the other, the direct one first', () => {
    const direct = run(inTurn)
    expect(words(direct.actions)).toEqual(['open socket', 'dial direct'])
    const failed = run([{ type: 'lost', on: 'direct' }], direct.connection).connection
    const signaled = run([{ type: 'due' }], failed, 400)
    expect(words(signaled.actions).filter((word) => word.startsWith('dial'))).toHaveLength(1)
  })

  it('no other is dialed while people compare codes', () => {
    let { connection } = run([...inTurn, { type: 'opened', on: 'direct' }])
    for (let now = 0; now < 60_000; now += 100) {
      const stepped = step(connection, { type: 'due' }, now, half)
      expect(stepped.actions.filter((action) => action.do === 'dial')).toEqual([])
      connection = stepped.connection
    }
  })

  it('they race as ever once one is in use', () => {
    const { connection } = run([...inTurn, ...answered('direct', 'lan')])
    const { actions } = run([{ type: 'lost', on: 'link' }], connection, 60_000)
    expect(words(actions)).toEqual(['hang_up link', 'dial direct', 'dial signaled'])
  })
})
