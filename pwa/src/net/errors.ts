/**
 * Everything that can go wrong on the way, by a stable code.
 *
 * NetError
 * ├── ProblemError     the server answered, and refused
 * ├── Unreachable      nothing answered, or not a Hearth server
 * └── PasskeyFailed    the browser, or the person, gave no passkey
 */
import type { ErrorCode } from '../protocol/generated'

export type PasskeyFailure = 'passkey_cancelled' | 'passkey_known'

/**
 * Those that are no `ErrorCode` are the app's own: no server was there to give a code, or its code says
 * less than the app knows.
 */
export type FailureCode = ErrorCode | 'unreachable' | 'answer_full' | 'chat_elsewhere' | PasskeyFailure

export abstract class NetError extends Error {
  abstract readonly code: FailureCode
}

export class ProblemError extends NetError {
  override readonly name = 'ProblemError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(message)
  }
}

export class Unreachable extends NetError {
  override readonly name = 'Unreachable'
  readonly code = 'unreachable'
}

export class PasskeyFailed extends NetError {
  override readonly name = 'PasskeyFailed'

  constructor(readonly code: PasskeyFailure) {
    super('The browser gave no passkey.')
  }
}

/** Codes that mean: this person has to log in again. */
const loggedOut: readonly FailureCode[] = [
  'not_logged_in',
  'token_expired',
  'token_invalid',
  'session_revoked',
]

export function isLoggedOut(error: unknown): boolean {
  return error instanceof NetError && loggedOut.includes(error.code)
}
