/** What each part of a connection does about what happens: one table for each kind of part. */

/** Ways to the PC: with no server between, and by descriptions that the VDS carries. */
export type LineName = 'direct' | 'signaled'
export const lineNames: readonly LineName[] = ['direct', 'signaled']

/** Whose calls there are: a line's own try, and `link`, the one in use. */
export type Slot = LineName | 'link'

export type SocketState = 'off' | 'opening' | 'ready' | 'resting'
export type SocketInput = 'start' | 'stop' | 'ready' | 'closed' | 'due' | 'wake'
export type SocketAction = 'open' | 'close' | 'probe'

/**
 * `alone`: there is nobody to dial. `asking`: it is welcomed, and the browser is asked which road it
 * took. `up`: the road is known, and it waits to be chosen.
 */
export type LineState =
  | 'off'
  | 'alone'
  | 'dialing'
  | 'proving'
  | 'greeting'
  | 'asking'
  | 'up'
  | 'resting'

/** `lost` is the end of a call or of a try, `worse` that it is of no use beside the one in use. */
export type LineInput =
  | 'start'
  | 'stop'
  | 'found'
  | 'left'
  | 'opened'
  | 'bound'
  | 'welcomed'
  | 'told'
  | 'chosen'
  | 'worse'
  | 'lost'
  | 'due'
  | 'hurry'

/** `speaking` and `silent`: whether the other end was heard just now. */
export type LinkState = 'none' | 'speaking' | 'silent'
export type LinkInput = 'stop' | 'chosen' | 'quiet' | 'spoke' | 'lost' | 'due' | 'doubt'

/** `use` puts a line's call in the place of the one in use, which is hung up then. */
export type CallAction = 'dial' | 'prove' | 'greet' | 'ask_road' | 'use' | 'probe' | 'hang_up'

type Table<State extends string, Input extends string, Action> = Record<
  State,
  Partial<Record<Input, readonly [State, ...Action[]]>>
>

/** What is not named changes nothing. */
export const socketTable: Table<SocketState, SocketInput, SocketAction> = {
  off: { start: ['opening', 'open'] },
  opening: {
    stop: ['off', 'close'],
    ready: ['ready'],
    closed: ['resting'],
    due: ['resting', 'close'],
  },
  ready: {
    stop: ['off', 'close'],
    closed: ['resting'],
    wake: ['ready', 'probe'],
  },
  resting: {
    stop: ['off'],
    due: ['opening', 'open'],
    wake: ['opening', 'open'],
  },
}

export const lineTable: Table<LineState, LineInput, CallAction> = {
  off: { start: ['dialing', 'dial'] },
  alone: {
    stop: ['off'],
    found: ['dialing', 'dial'],
  },
  dialing: {
    stop: ['off', 'hang_up'],
    found: ['dialing', 'hang_up', 'dial'],
    left: ['alone', 'hang_up'],
    opened: ['proving', 'prove'],
    worse: ['resting', 'hang_up'],
    lost: ['resting', 'hang_up'],
    due: ['resting', 'hang_up'],
  },
  // The two ends prove who they are, at times with people's help. It has its own time, so that no
  // news from the VDS cuts it short.
  proving: {
    stop: ['off', 'hang_up'],
    bound: ['greeting', 'greet'],
    worse: ['resting', 'hang_up'],
    lost: ['resting', 'hang_up'],
  },
  greeting: {
    stop: ['off', 'hang_up'],
    found: ['dialing', 'hang_up', 'dial'],
    welcomed: ['asking', 'ask_road'],
    worse: ['resting', 'hang_up'],
    lost: ['resting', 'hang_up'],
    due: ['resting', 'hang_up'],
  },
  asking: {
    stop: ['off', 'hang_up'],
    chosen: ['resting', 'use'],
    told: ['up'],
    worse: ['resting', 'hang_up'],
    lost: ['resting', 'hang_up'],
    due: ['up'],
  },
  up: {
    stop: ['off', 'hang_up'],
    chosen: ['resting', 'use'],
    worse: ['resting', 'hang_up'],
    lost: ['resting', 'hang_up'],
  },
  resting: {
    stop: ['off'],
    found: ['dialing', 'dial'],
    left: ['alone'],
    due: ['dialing', 'dial'],
    hurry: ['dialing', 'dial'],
  },
}

export const linkTable: Table<LinkState, LinkInput, CallAction> = {
  none: { chosen: ['speaking'] },
  speaking: {
    stop: ['none', 'hang_up'],
    chosen: ['speaking'],
    quiet: ['silent'],
    lost: ['none', 'hang_up'],
    due: ['speaking', 'ask_road'],
    doubt: ['speaking', 'probe'],
  },
  silent: {
    stop: ['none', 'hang_up'],
    chosen: ['speaking'],
    spoke: ['speaking'],
    lost: ['none', 'hang_up'],
    doubt: ['silent', 'probe'],
  },
}

/** How long a state may last before it is `due`. The resting states wait as the back-off says. */
export const socketPatienceMs: Partial<Record<SocketState, number>> = { opening: 10_000 }

/** Neither end of a WebRTC connection ever gives up by itself. */
export const dialingPatienceMs: Record<LineName, number> = { direct: 8_000, signaled: 8_000 }
export const linePatienceMs: Partial<Record<LineState, number>> = { greeting: 10_000, asking: 2_000 }

/** The road of the one in use may change while it lasts. */
export const roadEveryMs = 3_000

/** A link that breaks sooner than this counts as one more failure. */
export const heldMs = 5_000
