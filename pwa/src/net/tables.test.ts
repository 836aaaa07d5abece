import { describe, expect, it } from 'vitest'
import { inUse } from '../../tests/support/services'
import { type Connection, disconnected, type Input, step } from './connection'
import {
  type LineInput,
  type LineState,
  lineTable,
  type LinkInput,
  type LinkState,
  linkTable,
  type SocketInput,
  type SocketState,
  socketTable,
} from './tables'

/** Every transition there is. What is not here changes nothing. */
const socketRows: [SocketState, SocketInput, SocketState, ...string[]][] = [
  ['off', 'start', 'opening', 'open'],
  ['opening', 'stop', 'off', 'close'],
  ['opening', 'ready', 'ready'],
  ['opening', 'closed', 'resting'],
  ['opening', 'due', 'resting', 'close'],
  ['ready', 'stop', 'off', 'close'],
  ['ready', 'closed', 'resting'],
  ['ready', 'wake', 'ready', 'probe'],
  ['resting', 'stop', 'off'],
  ['resting', 'due', 'opening', 'open'],
  ['resting', 'wake', 'opening', 'open'],
]

const lineRows: [LineState, LineInput, LineState, ...string[]][] = [
  ['off', 'start', 'dialing', 'dial'],
  ['alone', 'stop', 'off'],
  ['alone', 'found', 'dialing', 'dial'],
  ['dialing', 'stop', 'off', 'hang_up'],
  ['dialing', 'found', 'dialing', 'hang_up', 'dial'],
  ['dialing', 'left', 'alone', 'hang_up'],
  ['dialing', 'opened', 'proving', 'prove'],
  ['dialing', 'worse', 'resting', 'hang_up'],
  ['dialing', 'lost', 'resting', 'hang_up'],
  ['dialing', 'due', 'resting', 'hang_up'],
  ['proving', 'stop', 'off', 'hang_up'],
  ['proving', 'bound', 'greeting', 'greet'],
  ['proving', 'worse', 'resting', 'hang_up'],
  ['proving', 'lost', 'resting', 'hang_up'],
  ['greeting', 'stop', 'off', 'hang_up'],
  ['greeting', 'found', 'dialing', 'hang_up', 'dial'],
  ['greeting', 'welcomed', 'asking', 'ask_road'],
  ['greeting', 'worse', 'resting', 'hang_up'],
  ['greeting', 'lost', 'resting', 'hang_up'],
  ['greeting', 'due', 'resting', 'hang_up'],
  ['asking', 'stop', 'off', 'hang_up'],
  ['asking', 'chosen', 'resting', 'use'],
  ['asking', 'told', 'up'],
  ['asking', 'worse', 'resting', 'hang_up'],
  ['asking', 'lost', 'resting', 'hang_up'],
  ['asking', 'due', 'up'],
  ['up', 'stop', 'off', 'hang_up'],
  ['up', 'chosen', 'resting', 'use'],
  ['up', 'worse', 'resting', 'hang_up'],
  ['up', 'lost', 'resting', 'hang_up'],
  ['resting', 'stop', 'off'],
  ['resting', 'found', 'dialing', 'dial'],
  ['resting', 'left', 'alone'],
  ['resting', 'due', 'dialing', 'dial'],
  ['resting', 'hurry', 'dialing', 'dial'],
]

const linkRows: [LinkState, LinkInput, LinkState, ...string[]][] = [
  ['none', 'chosen', 'speaking'],
  ['speaking', 'stop', 'none', 'hang_up'],
  ['speaking', 'chosen', 'speaking'],
  ['speaking', 'quiet', 'silent'],
  ['speaking', 'lost', 'none', 'hang_up'],
  ['speaking', 'due', 'speaking', 'ask_road'],
  ['speaking', 'doubt', 'speaking', 'probe'],
  ['silent', 'stop', 'none', 'hang_up'],
  ['silent', 'chosen', 'speaking'],
  ['silent', 'spoke', 'speaking'],
  ['silent', 'lost', 'none', 'hang_up'],
  ['silent', 'doubt', 'silent', 'probe'],
]

describe('the tables', () => {
  it.each([
    ['socket', socketTable, socketRows],
    ['line', lineTable, lineRows],
    ['link', linkTable, linkRows],
  ])('of a %s are these rows and no others', (_, table: object, rows: unknown[][]) => {
    const there = Object.entries(table).flatMap(([state, row]) =>
      Object.entries(row as Record<string, unknown[]>).map(([input, to]) => [state, input, ...to]),
    )
    expect(there).toEqual(rows)
  })

  const outer = lineRows.filter(([, input]) => !['start', 'chosen', 'worse'].includes(input))
  it.each(outer)(
    'are obeyed: a line that is %s, %s, is %s',
    (state, input, to, ...actions) => {
      const words: Partial<Record<LineInput, Input>> = {
        found: { type: 'home_found', home: 'another' },
        left: { type: 'home_left' },
        hurry: { type: 'wake' },
        told: { type: 'told', on: 'signaled', road: 'p2p' },
      }
      const there = { ...disconnected.lines.signaled, state, dueMs: 0 }
      // Beside one that is silent nothing is chosen, and everything is tried.
      const link = { ...inUse().link, state: 'silent' } as const
      const socket = { ...disconnected.socket, state: 'ready' } as const
      const from: Connection = { ...disconnected, socket, link, home: 'pc', lines: { ...disconnected.lines, signaled: there } }
      const stepped = step(from, words[input] ?? ({ type: input, on: 'signaled' } as Input), 1_000, 0.5)
      const ours = stepped.actions.filter(({ on }) => on === 'signaled')
      expect([stepped.connection.lines.signaled.state, ours.map((action) => action.do)]).toEqual([to, actions])
    },
  )
})
