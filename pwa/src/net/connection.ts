/**
 * Who is connected to what, and what to do about it. Pure: two tables and the time.
 *
 * The socket leads to the VDS, which tells of the PC and carries the descriptions. The link is the
 * data channel to the PC; once it is open it needs the socket no more.
 */
import { delayMs } from './backoff'

export type SocketState = 'off' | 'opening' | 'ready' | 'resting'
export type LinkState =
  | 'off'
  | 'alone'
  | 'dialing'
  | 'proving'
  | 'greeting'
  | 'fresh'
  | 'open'
  | 'resting'

export type SocketInput = 'start' | 'stop' | 'ready' | 'closed' | 'due' | 'wake'
export type LinkInput =
  | 'start'
  | 'stop'
  | 'found'
  | 'left'
  | 'opened'
  | 'bound'
  | 'welcomed'
  | 'lost'
  | 'due'
  | 'wake'

export type Action =
  | 'open_socket'
  | 'close_socket'
  | 'probe_socket'
  | 'dial'
  | 'prove'
  | 'greet'
  | 'probe'
  | 'hang_up'

type Row<State, Input extends string> = Partial<Record<Input, readonly [State, ...Action[]]>>

/** What is not named changes nothing. */
export const socketTable: Record<SocketState, Row<SocketState, SocketInput>> = {
  off: { start: ['opening', 'open_socket'] },
  opening: {
    stop: ['off', 'close_socket'],
    ready: ['ready'],
    closed: ['resting'],
    due: ['resting', 'close_socket'],
  },
  ready: {
    stop: ['off', 'close_socket'],
    closed: ['resting'],
    wake: ['ready', 'probe_socket'],
  },
  resting: {
    stop: ['off'],
    due: ['opening', 'open_socket'],
    wake: ['opening', 'open_socket'],
  },
}

/** `found` and `left` are the PC's presence; `lost` is the end of a connection or of a try. */
export const linkTable: Record<LinkState, Row<LinkState, LinkInput>> = {
  off: { start: ['alone'] },
  alone: {
    stop: ['off'],
    found: ['dialing', 'dial'],
  },
  dialing: {
    stop: ['off', 'hang_up'],
    found: ['dialing', 'hang_up', 'dial'],
    left: ['alone', 'hang_up'],
    opened: ['proving', 'prove'],
    lost: ['resting'],
    due: ['resting', 'hang_up'],
  },
  // The two ends prove who they are, at times with people's help. It has its own time, so that no
  // news from the VDS cuts it short.
  proving: {
    stop: ['off', 'hang_up'],
    bound: ['greeting', 'greet'],
    lost: ['resting'],
  },
  greeting: {
    stop: ['off', 'hang_up'],
    found: ['dialing', 'hang_up', 'dial'],
    welcomed: ['fresh'],
    lost: ['resting'],
    due: ['resting', 'hang_up'],
  },
  fresh: {
    stop: ['off', 'hang_up'],
    found: ['fresh', 'probe'],
    left: ['fresh', 'probe'],
    lost: ['resting'],
    due: ['open'],
    wake: ['fresh', 'probe'],
  },
  open: {
    stop: ['off', 'hang_up'],
    // Another PC process, or none: an answer soon, or this channel is dead.
    found: ['open', 'probe'],
    left: ['open', 'probe'],
    lost: ['dialing', 'dial'],
    wake: ['open', 'probe'],
  },
  resting: {
    stop: ['off'],
    found: ['dialing', 'dial'],
    left: ['alone'],
    due: ['dialing', 'dial'],
    wake: ['dialing', 'dial'],
  },
}

/** How long a state may last before it is `due`. The resting states wait as the back-off says. */
export const patienceMs: Partial<Record<SocketState | LinkState, number>> = {
  opening: 10_000,
  // Neither end of a WebRTC connection ever gives up by itself.
  dialing: 15_000,
  greeting: 10_000,
  // A link that breaks sooner than this counts as one more failure.
  fresh: 5_000,
}

interface Region<State> {
  readonly state: State
  /** When the state is due, in the clock's milliseconds. */
  readonly dueMs: number | null
  /** Tries in a row that came to nothing. */
  readonly failures: number
}

export interface Connection {
  readonly socket: Region<SocketState>
  readonly link: Region<LinkState>
  /** The PC's peer id, while the socket shows it. */
  readonly home: string | null
}

export const disconnected: Connection = {
  socket: { state: 'off', dueMs: null, failures: 0 },
  link: { state: 'off', dueMs: null, failures: 0 },
  home: null,
}

export type Input =
  | { type: 'start' | 'stop' | 'wake' | 'due' }
  | { type: 'socket_ready' | 'socket_closed' }
  | { type: 'home_found'; home: string }
  | { type: 'home_left' }
  | { type: 'channel_opened' | 'bound' | 'welcomed' | 'channel_lost' }

export interface Stepped {
  readonly connection: Connection
  readonly actions: readonly Action[]
}

/** @param random from 0 to 1, to spread the back-off */
export function step(connection: Connection, input: Input, nowMs: number, random: number): Stepped {
  const stepper = new Stepper(connection, nowMs, random)
  stepper.take(input)
  return { connection: stepper.connection, actions: stepper.actions }
}

/** The next moment at which `due` is to be handed in, or null. */
export function nextDueMs({ socket, link }: Connection): number | null {
  const earliest = Math.min(socket.dueMs ?? Infinity, link.dueMs ?? Infinity)
  return earliest === Infinity ? null : earliest
}

class Stepper {
  readonly actions: Action[] = []

  constructor(
    public connection: Connection,
    private readonly nowMs: number,
    private readonly random: number,
  ) {}

  take(input: Input): void {
    switch (input.type) {
      case 'start':
      case 'stop':
        this.set({ home: null })
        this.socket(input.type)
        this.link(input.type)
        return
      case 'wake':
        this.socket('wake')
        this.link('wake')
        return
      case 'due':
        if (this.isDue(this.connection.socket)) this.socket('due')
        if (this.isDue(this.connection.link)) this.link('due')
        return
      case 'socket_ready':
        return this.socket('ready')
      case 'socket_closed':
        this.socket('closed')
        return this.homeGone()
      case 'home_found':
        if (input.home === this.connection.home) return
        this.set({ home: input.home })
        return this.link('found')
      case 'home_left':
        if (this.connection.home !== null) this.homeGone()
        return
      case 'channel_opened':
        return this.link('opened')
      case 'bound':
      case 'welcomed':
        return this.link(input.type)
      case 'channel_lost':
        return this.link('lost')
    }
  }

  /** Presence is unknown or over. An open channel lives on: only its heartbeat can tell. */
  private homeGone(): void {
    this.set({ home: null })
    this.link('left')
  }

  private socket(input: SocketInput): void {
    const { socket } = this.connection
    const row = socketTable[socket.state][input]
    if (!row) return
    const [state, ...actions] = row
    this.actions.push(...actions)
    this.set({ socket: this.enter(socket, state, state === 'ready' || input === 'wake') })
    if (input === 'due' && state === 'resting') this.homeGone()
  }

  private link(input: LinkInput): void {
    const { link, home } = this.connection
    const row = linkTable[link.state][input]
    if (!row) return
    const [wanted, ...actions] = row
    // Without the PC in sight there is nobody to dial: its presence will tell.
    const alone = home === null && (wanted === 'dialing' || wanted === 'resting')
    const state = alone ? 'alone' : wanted
    this.actions.push(...actions.filter((action) => !(alone && action === 'dial')))
    // Who was connected, or sees the PC come, need not be patient.
    const hopeful = state === 'open' || input === 'found' || input === 'wake'
    this.set({ link: this.enter(link, state, hopeful) })
  }

  private enter<State extends SocketState | LinkState>(
    region: Region<State>,
    state: State,
    hopeful: boolean,
  ): Region<State> {
    const resting = state === 'resting'
    const failures = hopeful || state === 'off' ? 0 : region.failures + (resting ? 1 : 0)
    const patience = resting ? delayMs(failures, this.random) : patienceMs[state]
    return { state, failures, dueMs: patience === undefined ? null : this.nowMs + patience }
  }

  private isDue({ dueMs }: Region<unknown>): boolean {
    return dueMs !== null && dueMs <= this.nowMs
  }

  private set(change: Partial<Connection>): void {
    this.connection = { ...this.connection, ...change }
  }
}

/** What the badge says. */
export type Standing = 'connected' | 'connecting' | 'pc_offline' | 'offline'

/** @param online what the browser says of its own network: only its 'no' can be believed */
export function standing({ socket, link }: Connection, online: boolean): Standing {
  if (link.state === 'fresh' || link.state === 'open') return 'connected'
  if (!online || socket.state === 'off') return 'offline'
  if (socket.state === 'ready') {
    return link.state === 'alone' || link.failures >= 3 ? 'pc_offline' : 'connecting'
  }
  return socket.failures === 0 ? 'connecting' : 'offline'
}
