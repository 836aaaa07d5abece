/** The connection machine through any order of things. */
import { expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import type { RoadName } from '../protocol/generated'
import { type Action, type Connection, disconnected, type Input, nextDueMs, step } from './connection'
import { type LineName, lineNames, type Slot } from './tables'

const busy = new Set(['dialing', 'proving', 'greeting', 'asking', 'up'])
const slots: readonly Slot[] = ['link', ...lineNames]
const roads: readonly (RoadName | null)[] = ['local', 'lan', 'p2p', 'relay', null]

/** What is outside of the machine: the calls that there are, by where they are. */
class Outside {
  connection: Connection = disconnected
  now = 0
  readonly calls = new Map<Slot, { isWelcomed: boolean }>()

  constructor(
    private readonly seed: number,
    readonly random = seeded(seed),
  ) {}

  take(input: Input): void {
    if (input.type === 'welcomed' && input.on !== 'link') {
      const isGreeted = this.connection.lines[input.on].state === 'greeting'
      if (isGreeted) this.calls.set(input.on, { isWelcomed: true })
    }
    const { connection, actions } = step(this.connection, input, this.now, this.random())
    this.connection = connection
    for (const action of actions) this.act(action)
    this.check()
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.random() * of.length)]!
  }

  private act({ do: what, on }: Action): void {
    if (on === 'socket') return
    const call = this.calls.get(on)
    this.holds((call === undefined) === (what === 'dial'), `${what} ${on}`)
    if (what === 'dial') this.calls.set(on, { isWelcomed: false })
    if (what === 'hang_up' || what === 'use') this.calls.delete(on)
    if (what !== 'use' || !call) return
    this.holds(call.isWelcomed, 'uses only what is welcomed')
    this.calls.set('link', call)
  }

  private check(): void {
    const { link, lines, socket } = this.connection
    this.holds(this.calls.has('link') === (link.state !== 'none'), 'the link is one call')
    for (const name of lineNames) {
      const { state, dueMs } = lines[name]
      this.holds(this.calls.has(name) === busy.has(state), 'a busy line is one call')
      this.holds(state !== 'resting' || dueMs !== null || link.state === 'speaking', 'a line has a way on')
      this.holds(state !== 'asking' || link.state !== 'none', 'what is welcomed is used')
      this.holds(state !== 'up' || link.state === 'silent', 'two are welcomed only in doubt')
    }
    const isWaiting = socket.state === 'resting' || socket.state === 'opening'
    this.holds(!isWaiting || socket.dueMs !== null, 'the socket has a way on')
  }

  private holds(isTrue: boolean, what: string): void {
    if (!isTrue) throw new Error(`Not so, seed ${String(this.seed)}: ${what}.`)
  }
}

function anything(outside: Outside): Input {
  const on = outside.pick(slots)
  const { random } = outside
  return outside.pick<Input>([
    { type: 'start', inTurn: random() < 0.3 },
    ...(random() < 0.1 ? [{ type: 'stop' } as const] : []),
    { type: 'wake' },
    { type: 'due' },
    { type: 'socket_ready' },
    { type: 'socket_closed' },
    { type: 'home_found', home: outside.pick(['pc', 'other']) },
    { type: 'home_left' },
    { type: 'opened', on },
    { type: 'bound', on },
    { type: 'welcomed', on },
    { type: 'told', on, road: outside.pick(roads) },
    { type: 'opened', on },
    { type: 'bound', on },
    { type: 'welcomed', on },
    { type: 'quiet', on },
    { type: 'spoke', on },
    { type: 'lost', on },
  ])
}

/** The roads that there are, once everything has become quiet; null where a line leads nowhere. */
type Roads = Record<LineName, RoadName | null>

function settle(outside: Outside, there: Roads): void {
  outside.take({ type: 'start' })
  outside.take({ type: 'socket_ready' })
  outside.take({ type: 'home_found', home: 'at last' })
  const { link } = outside.connection
  const road = link.line && there[link.line]
  if (link.state !== 'none' && road && outside.random() < 0.5) {
    outside.take({ type: 'spoke', on: 'link' })
    outside.take({ type: 'told', on: 'link', road })
  } else outside.take({ type: 'lost', on: 'link' })
  const endMs = outside.now + 20 * 60_000
  while (outside.now < endMs) {
    answer(outside, there)
    outside.now = Math.max(outside.now, nextDueMs(outside.connection) ?? endMs)
    outside.take({ type: 'due' })
  }
  answer(outside, there)
}

function answer(outside: Outside, there: Roads): void {
  for (const on of lineNames) {
    const road = there[on]
    while (outside.calls.has(on)) {
      const { state } = outside.connection.lines[on]
      if (!road) outside.take({ type: 'lost', on })
      else if (state === 'dialing') outside.take({ type: 'opened', on })
      else if (state === 'proving') outside.take({ type: 'bound', on })
      else if (state === 'greeting') outside.take({ type: 'welcomed', on })
      else outside.take({ type: 'told', on, road })
    }
    const { link } = outside.connection
    const inUse = link.line && there[link.line]
    if (link.state !== 'none') outside.take({ type: 'told', on: 'link', road: inUse })
  }
}

it('hangs up each call once, uses only one that is welcomed, and always has a way on', () => {
  for (let seed = 1; seed <= 120; seed++) {
    const outside = new Outside(seed)
    for (let count = 0; count < 80; count++) {
      outside.now += Math.floor(outside.random() * 4_000)
      outside.take(anything(outside))
    }
    outside.take({ type: 'stop' })
    expect(outside.calls.size).toBe(0)
  }
})

it('comes to the best road that there is, whatever was before', () => {
  /** On the PC itself and near it are as good. */
  const near = (road: RoadName | null) => (road === 'local' ? 'lan' : road)
  for (let seed = 1; seed <= 120; seed++) {
    const outside = new Outside(seed)
    for (let count = 0; count < 40; count++) {
      outside.now += Math.floor(outside.random() * 4_000)
      outside.take(anything(outside))
    }
    const there: Roads = {
      direct: outside.pick(['local', 'lan', null]),
      signaled: outside.pick(['lan', 'p2p', 'relay', null]),
    }
    settle(outside, there)
    const { link } = outside.connection
    expect([seed, near(link.road)]).toEqual([seed, near(there.direct ?? there.signaled)])
  }
})
