/**
 * Who is connected to what, and what to do about it. Pure: the tables, the choice and the time.
 *
 * The socket leads to the VDS, which tells of the PC and carries descriptions. Two lines lead to the
 * PC, and race. The first call that is welcomed becomes the link, and leaves its line free to find
 * a better one.
 */
import type { RoadName } from '../protocol/generated'
import { Stepper } from './stepper'
import type {
  CallAction,
  LineName,
  LineState,
  LinkState,
  Slot,
  SocketAction,
  SocketState,
} from './tables'

export interface Region<State> {
  readonly state: State
  /** When the state is due, in the clock's milliseconds. */
  readonly dueMs: number | null
}

export interface SocketRegion extends Region<SocketState> {
  /** Tries in a row that came to nothing. */
  readonly failures: number
}

export interface LineRegion extends Region<LineState> {
  /** Tries in a row that came to nothing, and links of this line that did not hold. */
  readonly failures: number
  /** Rests since the road in use is what it is. */
  readonly rests: number
  /** Of its call, once it is `up`. */
  readonly road: RoadName | null
}

export interface LinkRegion extends Region<LinkState> {
  /** The line that it came from, or the last one did. */
  readonly line: LineName | null
  readonly road: RoadName | null
  readonly sinceMs: number
  /** Grows with every call that comes in use. */
  readonly turn: number
}

export interface Connection {
  readonly socket: SocketRegion
  readonly lines: Readonly<Record<LineName, LineRegion>>
  readonly link: LinkRegion
  /** The PC's peer id, while the socket shows it. */
  readonly home: string | null
  /** One line at a time until one is in use: what is done on it is done once, as pairing is. */
  readonly inTurn: boolean
}

const lineOff: LineRegion = { state: 'off', dueMs: null, failures: 0, rests: 0, road: null }

export const disconnected: Connection = {
  socket: { state: 'off', dueMs: null, failures: 0 },
  lines: { direct: lineOff, signaled: lineOff },
  link: { state: 'none', dueMs: null, line: null, road: null, sinceMs: 0, turn: 0 },
  home: null,
  inTurn: false,
}

export type Input =
  | { type: 'start'; inTurn?: boolean }
  | { type: 'stop' | 'wake' | 'due' }
  | { type: 'socket_ready' | 'socket_closed' }
  | { type: 'home_found'; home: string }
  | { type: 'home_left' }
  /** `lost` is told of every call that has ended, and of no call twice. */
  | { type: 'opened' | 'bound' | 'welcomed' | 'lost' | 'quiet' | 'spoke'; on: Slot }
  | { type: 'told'; on: Slot; road: RoadName | null }

export type Action = { do: SocketAction; on: 'socket' } | { do: CallAction; on: Slot }

export interface Stepped {
  readonly connection: Connection
  readonly actions: readonly Action[]
}

/** @param random from 0 to 1, to spread the back-off */
export function step(connection: Connection, input: Input, nowMs: number, random: number): Stepped {
  const stepper = new Stepper(connection, nowMs, random)
  stepper.take(input)
  stepper.settle(connection.link)
  return { connection: stepper.connection, actions: stepper.actions }
}

/** The next moment at which `due` is to be handed in, or null. */
export function nextDueMs({ socket, lines, link }: Connection): number | null {
  const dues = [socket, link, lines.direct, lines.signaled].map(({ dueMs }) => dueMs ?? Infinity)
  const earliest = Math.min(...dues)
  return earliest === Infinity ? null : earliest
}
