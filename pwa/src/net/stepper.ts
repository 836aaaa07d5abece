/** One step of the connection machine: looks up the tables, chooses, and counts the tries. */
import type { RoadName } from '../protocol/generated'
import { type Backoff, delayMs } from './backoff'
import { isBetter, isWorthwhile, paceOf } from './choice'
import type { Action, Connection, Input, LineRegion, LinkRegion, Region } from './connection'
import {
  dialingPatienceMs,
  heldMs,
  type LineInput,
  type LineName,
  lineNames,
  linePatienceMs,
  type LineState,
  lineTable,
  type LinkInput,
  linkTable,
  roadEveryMs,
  type Slot,
  type SocketInput,
  socketPatienceMs,
  socketTable,
} from './tables'

const busy: readonly LineState[] = ['dialing', 'proving', 'greeting', 'asking', 'up']

export class Stepper {
  readonly actions: Action[] = []

  constructor(
    public connection: Connection,
    private readonly nowMs: number,
    private readonly random: number,
  ) {}

  take(input: Input): void {
    switch (input.type) {
      case 'start':
        if (this.connection.socket.state !== 'off') return
        this.set({ home: null, inTurn: input.inTurn ?? false })
        this.socket('start')
        return this.lines('start')
      case 'stop':
        this.set({ home: null })
        this.socket('stop')
        this.lines('stop')
        return this.link('stop')
      case 'wake':
        return this.wake()
      case 'due':
        return this.due()
      case 'socket_ready':
        return this.socket('ready')
      case 'socket_closed':
        this.socket('closed')
        return this.homeGone()
      case 'home_found':
        return this.homeFound(input.home)
      case 'home_left':
        if (this.connection.home !== null) this.homeGone()
        return
      case 'told':
        return this.told(input.on, input.road)
      case 'quiet':
        if (input.on !== 'link' || this.connection.link.state !== 'speaking') return
        this.link('quiet')
        // The network may have gone, and with it the socket by which the signaled line would dial.
        this.socket('wake')
        return this.lines('hurry')
      case 'spoke':
        if (input.on === 'link') this.link('spoke')
        return
      case 'lost':
        if (input.on === 'link') return this.linkLost()
        return this.line(input.on, 'lost')
      default:
        if (input.on !== 'link') this.line(input.on, input.type)
    }
  }

  /** Chooses among what has come up, and lets go of what is of no use any more. */
  settle(before: LinkRegion): void {
    for (const name of lineNames) {
      const { state, road } = this.connection.lines[name]
      const { link } = this.connection
      if (state !== 'asking' && state !== 'up') continue
      if (link.state === 'none' || (state === 'up' && isBetter(road, link.road))) this.use(name)
      // One that is silent may be lost: until that is known, the other is kept at hand.
      else if (state === 'up' && link.state === 'speaking') this.line(name, 'worse')
    }
    for (const name of lineNames) {
      const { link, lines } = this.connection
      const isVain = link.state === 'speaking' && !isWorthwhile(name, link.road)
      if (isVain && busy.includes(lines[name].state)) this.line(name, 'worse')
      if (this.paceOf(name, before) !== this.paceOf(name)) this.restAnew(name)
    }
  }

  private wake(): void {
    const { link } = this.connection
    this.socket('wake')
    this.link('doubt')
    for (const name of lineNames) {
      const isWanted = name === 'direct' && this.paceOf(name) !== null
      if (link.state !== 'speaking' || isWanted) this.line(name, 'hurry', true)
    }
  }

  private due(): void {
    const isDue = ({ dueMs }: Region<unknown>) => dueMs !== null && dueMs <= this.nowMs
    if (isDue(this.connection.socket)) this.socket('due')
    if (isDue(this.connection.link)) this.link('due')
    for (const name of lineNames) if (isDue(this.connection.lines[name])) this.line(name, 'due')
  }

  private homeFound(home: string): void {
    if (home === this.connection.home) return
    this.set({ home })
    this.line('signaled', 'found', true)
    // Another PC process, or none: an answer soon, or this call is dead.
    this.link('doubt')
  }

  /** Presence is unknown or over. A call that is in use lives on: only its heartbeat can tell. */
  private homeGone(): void {
    this.set({ home: null })
    this.line('signaled', 'left')
    this.link('doubt')
  }

  private told(slot: Slot, road: RoadName | null): void {
    const { link, lines } = this.connection
    if (slot === 'link') {
      // What is not known now is as it was.
      if (link.state !== 'none' && road && road !== link.road) this.set({ link: { ...link, road } })
    } else if (lines[slot].state === 'asking') {
      this.line(slot, 'told')
      this.setLine(slot, { road })
    }
  }

  private use(name: LineName): void {
    const { link, lines } = this.connection
    const { road } = lines[name]
    this.line(name, 'chosen')
    this.link('chosen')
    const turn = link.turn + 1
    this.set({
      link: { ...this.connection.link, line: name, road, sinceMs: this.nowMs, turn },
      inTurn: false,
    })
    for (const other of lineNames) this.restAnew(other)
  }

  private linkLost(): void {
    const { line, sinceMs, state } = this.connection.link
    if (state === 'none' || !line) return
    this.link('lost')
    const held = this.nowMs - sinceMs >= heldMs
    for (const name of lineNames) {
      const { failures } = this.connection.lines[name]
      this.setLine(name, { failures: held ? 0 : failures + (name === line ? 1 : 0) })
      if (this.connection.lines[name].failures === 0) this.line(name, 'hurry')
    }
  }

  private socket(input: SocketInput): void {
    const { socket } = this.connection
    const row = socketTable[socket.state][input]
    if (!row) return
    const [state, ...actions] = row
    for (const action of actions) this.actions.push({ do: action, on: 'socket' })
    const isHopeful = state === 'ready' || state === 'off' || input === 'wake'
    const isResting = state === 'resting'
    const failures = isHopeful ? 0 : socket.failures + (isResting ? 1 : 0)
    const patience = isResting ? delayMs(failures, this.random) : socketPatienceMs[state]
    this.set({ socket: { state, failures, dueMs: this.in(patience) } })
    if (input === 'due' && isResting) this.homeGone()
  }

  private lines(input: LineInput): void {
    for (const name of lineNames) this.line(name, input)
  }

  /** @param isHopeful there is a reason not to be patient any more */
  private line(name: LineName, input: LineInput, isHopeful = false): void {
    const before = this.connection.lines[name]
    const row = lineTable[before.state][input]
    if (!row) return
    const [wanted, ...actions] = row
    const state = this.possible(name, wanted, input)
    for (const action of actions) {
      if (action !== 'dial' || state === 'dialing') this.actions.push({ do: action, on: name })
    }
    const isOff = state === 'off' || isHopeful
    const hasFailed = state === 'resting' && (input === 'lost' || input === 'due')
    const failures = isOff ? 0 : before.failures + (hasFailed && busy.includes(before.state) ? 1 : 0)
    const rests = isOff ? 0 : before.rests + (state === 'resting' ? 1 : 0)
    this.setLine(name, { state, failures, rests, road: null })
    const patience =
      state === 'resting'
        ? this.restMs(name)
        : state === 'dialing'
          ? dialingPatienceMs[name]
          : linePatienceMs[state]
    this.setLine(name, { dueMs: this.in(patience) })
  }

  /** The state that a line can be in, where it would dial or rest. */
  private possible(name: LineName, wanted: LineState, input: LineInput): LineState {
    if (wanted !== 'dialing' && wanted !== 'resting') return wanted
    const { home, inTurn, lines, link } = this.connection
    // Without the PC in sight there is nobody to dial: its presence will tell.
    if (name === 'signaled' && home === null) return 'alone'
    const other = lines[name === 'direct' ? 'signaled' : 'direct']
    if (inTurn && busy.includes(other.state)) return 'resting'
    return input === 'found' && link.state === 'speaking' ? 'resting' : wanted
  }

  private link(input: LinkInput): void {
    const { link } = this.connection
    const row = linkTable[link.state][input]
    if (!row) return
    const [state, ...actions] = row
    for (const action of actions) this.actions.push({ do: action, on: 'link' })
    const dueMs = this.in(state === 'speaking' ? roadEveryMs : undefined)
    const left = state === 'none' ? { road: null } : {}
    this.set({ link: { ...link, ...left, state, dueMs } })
  }

  /** The road in use is another one: who rests begins to count anew. */
  private restAnew(name: LineName): void {
    if (this.connection.lines[name].state !== 'resting') return
    this.setLine(name, { rests: 1 })
    this.setLine(name, { dueMs: this.in(this.restMs(name)) })
  }

  private restMs(name: LineName): number | undefined {
    const { failures, rests } = this.connection.lines[name]
    const pace = this.paceOf(name)
    if (!pace) return undefined
    const count = this.connection.link.state === 'speaking' ? rests : failures
    return delayMs(count, this.random, pace)
  }

  private paceOf(name: LineName, link = this.connection.link): Backoff | null {
    return paceOf(name, link.state === 'speaking' ? link : null)
  }

  private in(ms: number | undefined): number | null {
    return ms === undefined ? null : this.nowMs + ms
  }

  private setLine(name: LineName, change: Partial<LineRegion>): void {
    const { lines } = this.connection
    this.set({ lines: { ...lines, [name]: { ...lines[name], ...change } } })
  }

  private set(change: Partial<Connection>): void {
    this.connection = { ...this.connection, ...change }
  }
}
