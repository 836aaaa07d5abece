/**
 * A device's side of a connection's beginning: the home proves that it is the one that was paired,
 * then the device proves itself. Pure: a table and the time; docs/protocol.md, Trust, has the order.
 *
 * Made for each connection, on every road. Nothing of a chat is sent or understood before `bound`.
 */
import { fromText, toText } from '../protocol/base64'
import {
  type ErrorCode,
  type LanTicket,
  type TrustFromHome,
  type TrustToHome,
  VERSION,
} from '../protocol/generated'
import type { Bytes } from './bytes'
import type { Check } from './proofs'
import { type Fingerprints, type Transcript, transcriptOf } from './transcript'

/** All of it takes at most this long. */
export const connectMs = 5_000

/**
 * Four ends: `bound`; `attack`, who answers is not the home that was paired; `refused`, with a code,
 * which may be the home's word or not, so that nothing is deleted because of it; `timeout`.
 */
export type ConnectState =
  | 'idle'
  | 'introduced'
  | 'checking'
  | 'signing'
  | 'proved'
  | 'bound'
  | 'attack'
  | 'refused'
  | 'timeout'

type Kind =
  | 'start'
  | 'challenge'
  | 'right'
  | 'wrong'
  | 'signed'
  | 'bound'
  | 'refusal'
  | 'unexpected'
  | 'due'

type Action = 'introduce' | 'check' | 'sign' | 'prove'
type Row = Partial<Record<Kind, readonly [ConnectState, Action?]>>

const ends: Row = { refusal: ['refused'], unexpected: ['refused'], due: ['timeout'] }

/** What is not named changes nothing; a message that is not named is `unexpected`. */
export const connectTable: Record<ConnectState, Row> = {
  idle: { start: ['introduced', 'introduce'] },
  introduced: { ...ends, challenge: ['checking', 'check'] },
  checking: { ...ends, right: ['signing', 'sign'], wrong: ['attack'] },
  signing: { ...ends, signed: ['proved', 'prove'] },
  proved: { ...ends, bound: ['bound'] },
  bound: {},
  attack: {},
  refused: {},
  timeout: {},
}

/** What is known before the connection: who is who, what was pinned, what is enforced. */
export interface Known {
  readonly deviceId: string
  readonly deviceKey: Bytes
  /** As it was paired. */
  readonly homeKey: Bytes
  readonly fingerprints: Fingerprints
  /** 32 random bytes, used for no other connection, and the commitment to them. */
  readonly nonce: Bytes
  readonly commitment: Bytes
}

export interface Connect {
  readonly state: ConnectState
  readonly known: Known
  /** When `due` is to be handed in, in the clock's milliseconds. */
  readonly dueMs: number | null
  /** From the challenge on; with the nonce it gives the verify page's code. */
  readonly transcript: Transcript | null
  /** Why it was refused. */
  readonly code: ErrorCode | null
  /** How the home says, once `bound`, that it can be dialed with no server between. */
  readonly ticket: LanTicket | null
}

export type ConnectInput =
  | { type: 'start' | 'due' }
  | { type: 'message'; message: TrustFromHome }
  /** Bytes that are no message of this road, a chat's among them. */
  | { type: 'bad'; code: ErrorCode }
  | { type: 'checked'; right: boolean }
  | { type: 'signed'; signature: Bytes }

export type ConnectEffect =
  | { type: 'send'; message: TrustToHome }
  /** Look, then hand in `checked`. */
  | { type: 'check'; checks: readonly Check[] }
  /** Sign with the device's key, then hand in `signed`. */
  | { type: 'sign'; data: Bytes }

export interface ConnectStep {
  readonly connect: Connect
  readonly effects: readonly ConnectEffect[]
}

export function newConnect(known: Known): Connect {
  return { state: 'idle', known, dueMs: null, transcript: null, code: null, ticket: null }
}

export function stepConnect(connect: Connect, input: ConnectInput, nowMs: number): ConnectStep {
  const late = connect.dueMs !== null && nowMs >= connect.dueMs
  const kind = late ? 'due' : kindOf(input)
  const row = connectTable[connect.state]
  const isMessage = input.type === 'message' || input.type === 'bad'
  const found = row[kind] ?? (isMessage ? row.unexpected : undefined)
  if (!found || (input.type === 'due' && !late)) return { connect, effects: [] }
  const [state, action] = found
  const next: Connect = {
    ...connect,
    state,
    dueMs: action === 'introduce' ? nowMs + connectMs : isOver(state) ? null : connect.dueMs,
    transcript: action === 'check' ? transcript(connect.known, input) : connect.transcript,
    code: state === 'refused' ? codeOf(input) : null,
    ticket: state === 'bound' ? ticketOf(input) : null,
  }
  return { connect: next, effects: action ? effectsOf(action, next, input) : [] }
}

export function isOver(state: ConnectState): boolean {
  return Object.keys(connectTable[state]).length === 0
}

function kindOf(input: ConnectInput): Kind {
  switch (input.type) {
    case 'message':
      return messageKinds[input.message.type] ?? 'unexpected'
    case 'checked':
      return input.right ? 'right' : 'wrong'
    case 'bad':
      return 'unexpected'
    default:
      return input.type
  }
}

const messageKinds: Partial<Record<TrustFromHome['type'], Kind>> = {
  challenge: 'challenge',
  bound: 'bound',
  error: 'refusal',
}

function codeOf(input: ConnectInput): ErrorCode {
  if (input.type === 'bad') return input.code
  if (input.type === 'message' && input.message.type === 'error') return input.message.code
  return 'malformed'
}

function ticketOf(input: ConnectInput): LanTicket | null {
  return (input.type === 'message' && input.message.type === 'bound' && input.message.lan) || null
}

function transcript(known: Known, input: ConnectInput): Transcript | null {
  if (input.type !== 'message' || input.message.type !== 'challenge') return null
  return {
    purpose: 'hearth-bind-v1',
    version: VERSION,
    homeKey: known.homeKey,
    deviceKey: known.deviceKey,
    homeFingerprint: known.fingerprints.home,
    deviceFingerprint: known.fingerprints.device,
    homeNonce: fromText(input.message.nonce),
    commitment: known.commitment,
  }
}

function effectsOf(action: Action, { known, transcript }: Connect, input: ConnectInput): ConnectEffect[] {
  if (action === 'introduce') return [{ type: 'send', message: introduction(known) }]
  if (!transcript) return []
  switch (action) {
    case 'check': {
      if (input.type !== 'message' || input.message.type !== 'challenge') return []
      const signature = fromText(input.message.signature)
      const data = transcriptOf(transcript, 'home')
      return [{ type: 'check', checks: [{ kind: 'signature', key: known.homeKey, signature, data }] }]
    }
    case 'sign':
      return [{ type: 'sign', data: transcriptOf(transcript, 'device') }]
    case 'prove':
      return input.type === 'signed' ? [{ type: 'send', message: proof(known, input.signature) }] : []
  }
}

function introduction({ deviceId, commitment }: Known): TrustToHome {
  return { type: 'introduce', version: VERSION, device: deviceId, commitment: toText(commitment) }
}

function proof({ nonce }: Known, signature: Bytes): TrustToHome {
  return { type: 'prove', signature: toText(signature), nonce: toText(nonce) }
}
