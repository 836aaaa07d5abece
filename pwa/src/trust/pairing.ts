/**
 * A device's side of pairing: it becomes known to a home, and pins that home's key. Pure, as
 * `connect.ts`; docs/protocol.md, Trust, has the order.
 *
 * By comparing, the person says on both screens that the codes are equal: a 'no' on the PC alone would
 * not keep this device from somebody in the middle who says 'yes'.
 */
import { fromText, toText } from '../protocol/base64'
import {
  type ErrorCode,
  type PairingMethod,
  type TrustFromHome,
  type TrustToHome,
  VERSION,
} from '../protocol/generated'
import type { Bytes } from './bytes'
import type { Check } from './proofs'
import { type Fingerprints, type Purpose, type Transcript, transcriptOf } from './transcript'

/** By secret nobody is waited for; by comparing, people are. */
export const pairingMs: Record<PairingMethod, number> = { secret: 10_000, compare: 120_000 }

const purposes: Record<PairingMethod, Purpose> = {
  secret: 'hearth-pair-secret-v1',
  compare: 'hearth-pair-compare-v1',
}

/**
 * Ends: `paired`; `attack`, the other end is not the home of the QR, or does not know the secret;
 * `declined` by the person here; `refused`, with a code; `timeout`.
 */
export type PairingState =
  | 'idle'
  | 'requested'
  | 'identifying'
  | 'proving'
  | 'revealed'
  | 'comparing'
  | 'accepted'
  | 'approved'
  | 'checking'
  | 'signing'
  | 'confirmed'
  | 'paired'
  | 'attack'
  | 'declined'
  | 'refused'
  | 'timeout'

type Kind =
  | 'start'
  | 'offer'
  | 'right'
  | 'right_to_compare'
  | 'wrong'
  | 'made'
  | 'accept'
  | 'yes'
  | 'no'
  | 'signed'
  | 'paired'
  | 'refusal'
  | 'unexpected'
  | 'due'

type Action = 'request' | 'identify' | 'make' | 'reveal' | 'check' | 'sign' | 'confirm'
type Row = Partial<Record<Kind, readonly [PairingState, Action?]>>

const ends: Row = { refusal: ['refused'], unexpected: ['refused'], due: ['timeout'] }

/** What is not named changes nothing; a message that is not named is `unexpected`. */
export const pairingTable: Record<PairingState, Row> = {
  idle: { start: ['requested', 'request'] },
  requested: { ...ends, offer: ['identifying', 'identify'] },
  identifying: {
    ...ends,
    right: ['proving', 'make'],
    right_to_compare: ['comparing', 'reveal'],
    wrong: ['attack'],
  },
  proving: { ...ends, made: ['revealed', 'reveal'] },
  revealed: { ...ends, accept: ['checking', 'check'] },
  comparing: { ...ends, accept: ['accepted'], yes: ['approved'], no: ['declined'] },
  accepted: { ...ends, yes: ['checking', 'check'], no: ['declined'] },
  approved: { ...ends, accept: ['checking', 'check'], no: ['declined'] },
  checking: { ...ends, right: ['signing', 'sign'], wrong: ['attack'] },
  signing: { ...ends, signed: ['confirmed', 'confirm'] },
  confirmed: { ...ends, paired: ['paired'] },
  paired: {},
  attack: {},
  declined: {},
  refused: {},
  timeout: {},
}

/** What is known before: who we are, what the QR or the person said, what is enforced. */
export interface Invited {
  /** Scanned or typed; null, to compare a code instead. */
  readonly secret: Bytes | null
  /** As the QR says; null where nothing was scanned. */
  readonly homeId: string | null
  readonly deviceKey: Bytes
  /** For the PC's list of devices. */
  readonly name: string
  readonly fingerprints: Fingerprints
  /** 32 random bytes, used for no other connection, and the commitment to them. */
  readonly nonce: Bytes
  readonly commitment: Bytes
}

export interface Pairing {
  readonly state: PairingState
  readonly invited: Invited
  /** When `due` is to be handed in, in the clock's milliseconds. */
  readonly dueMs: number | null
  /**
   * From the offer on. With the nonce it gives the code to show while `comparing`; once `paired`, its
   * `homeKey` is what to pin.
   */
  readonly transcript: Transcript | null
  /** What the home accepted us with. */
  readonly acceptance: { readonly signature: Bytes; readonly mac: Bytes } | null
  /** Why it was refused. */
  readonly code: ErrorCode | null
}

export type PairingInput =
  | { type: 'start' | 'due' }
  | { type: 'message'; message: TrustFromHome }
  /** Bytes that are no message of this road, a chat's among them. */
  | { type: 'bad'; code: ErrorCode }
  | { type: 'checked'; right: boolean }
  | { type: 'made'; mac: Bytes }
  | { type: 'signed'; signature: Bytes }
  /** The person says whether both screens show the same code. */
  | { type: 'answered'; equal: boolean }

export type PairingEffect =
  | { type: 'send'; message: TrustToHome }
  /** Look, then hand in `checked`. */
  | { type: 'check'; checks: readonly Check[] }
  /** Make the MAC, then hand in `made`. */
  | { type: 'make'; secret: Bytes; data: Bytes }
  /** Sign with the device's key, then hand in `signed`. */
  | { type: 'sign'; data: Bytes }

export interface PairingStep {
  readonly pairing: Pairing
  readonly effects: readonly PairingEffect[]
}

export function newPairing(invited: Invited): Pairing {
  return { state: 'idle', invited, dueMs: null, transcript: null, acceptance: null, code: null }
}

export function stepPairing(pairing: Pairing, input: PairingInput, nowMs: number): PairingStep {
  const late = pairing.dueMs !== null && nowMs >= pairing.dueMs
  const kind = late ? 'due' : kindOf(pairing, input)
  const row = pairingTable[pairing.state]
  const isMessage = input.type === 'message' || input.type === 'bad'
  const found = row[kind] ?? (isMessage ? row.unexpected : undefined)
  if (!found || (input.type === 'due' && !late)) return { pairing, effects: [] }
  const [state, action] = found
  const message = input.type === 'message' ? input.message : null
  const next: Pairing = {
    ...pairing,
    state,
    dueMs: due(pairing, state, action, nowMs),
    transcript:
      message?.type === 'pair_offer' && action === 'identify'
        ? transcript(pairing.invited, message.key, message.nonce)
        : pairing.transcript,
    acceptance:
      message?.type === 'pair_accept'
        ? { signature: fromText(message.signature), mac: fromText(message.mac ?? '') }
        : pairing.acceptance,
    code: state === 'refused' ? codeOf(input) : null,
  }
  return { pairing: next, effects: action ? effectsOf(action, next, input) : [] }
}

export function isPairingOver(state: PairingState): boolean {
  return Object.keys(pairingTable[state]).length === 0
}

function due(pairing: Pairing, state: PairingState, action: Action | undefined, nowMs: number) {
  if (action === 'request') return nowMs + pairingMs[methodOf(pairing.invited)]
  return isPairingOver(state) ? null : pairing.dueMs
}

function methodOf({ secret }: Invited): PairingMethod {
  return secret ? 'secret' : 'compare'
}

function kindOf({ state, invited }: Pairing, input: PairingInput): Kind {
  switch (input.type) {
    case 'message':
      return messageKinds[input.message.type] ?? 'unexpected'
    case 'bad':
      return 'unexpected'
    case 'answered':
      return input.equal ? 'yes' : 'no'
    case 'checked': {
      const comparing = state === 'identifying' && invited.secret === null
      return !input.right ? 'wrong' : comparing ? 'right_to_compare' : 'right'
    }
    default:
      return input.type
  }
}

const messageKinds: Partial<Record<TrustFromHome['type'], Kind>> = {
  pair_offer: 'offer',
  pair_accept: 'accept',
  paired: 'paired',
  error: 'refusal',
}

function codeOf(input: PairingInput): ErrorCode {
  if (input.type === 'bad') return input.code
  if (input.type === 'message' && input.message.type === 'error') return input.message.code
  return 'malformed'
}

function transcript(invited: Invited, key: string, nonce: string): Transcript {
  return {
    purpose: purposes[methodOf(invited)],
    version: VERSION,
    homeKey: fromText(key),
    deviceKey: invited.deviceKey,
    homeFingerprint: invited.fingerprints.home,
    deviceFingerprint: invited.fingerprints.device,
    homeNonce: fromText(nonce),
    commitment: invited.commitment,
  }
}

function effectsOf(action: Action, pairing: Pairing, input: PairingInput): PairingEffect[] {
  const { invited, transcript, acceptance } = pairing
  if (action === 'request') return [{ type: 'send', message: request(invited) }]
  if (!transcript) return []
  const { secret } = invited
  const key = transcript.homeKey
  const theirs = transcriptOf(transcript, 'home')
  const ours = transcriptOf(transcript, 'device')
  switch (action) {
    case 'identify': {
      const { homeId } = invited
      return [{ type: 'check', checks: homeId === null ? [] : [{ kind: 'id', key, id: homeId }] }]
    }
    case 'make':
      return secret ? [{ type: 'make', secret, data: ours }] : []
    case 'reveal':
      return [{ type: 'send', message: reveal(invited, input) }]
    case 'check': {
      if (!acceptance) return []
      const { signature, mac } = acceptance
      const checks: Check[] = [{ kind: 'signature', key, signature, data: theirs }]
      if (secret) checks.push({ kind: 'mac', secret, mac, data: theirs })
      return [{ type: 'check', checks }]
    }
    case 'sign':
      return [{ type: 'sign', data: ours }]
    case 'confirm': {
      if (input.type !== 'signed') return []
      const signature = toText(input.signature)
      return [{ type: 'send', message: { type: 'pair_confirm', signature } }]
    }
  }
}

function request(invited: Invited): TrustToHome {
  return {
    type: 'pair_request',
    version: VERSION,
    method: methodOf(invited),
    key: toText(invited.deviceKey),
    commitment: toText(invited.commitment),
    name: invited.name,
  }
}

function reveal({ nonce }: Invited, input: PairingInput): TrustToHome {
  const told = { type: 'pair_reveal', nonce: toText(nonce) } as const
  return input.type === 'made' ? { ...told, mac: toText(input.mac) } : told
}
