/** Accounts and sessions over HTTP. Every failure is a `NetError`. */
import { decoder } from '../protocol/decode'
import {
  type Credentials,
  type Problem,
  ProblemShape,
  type Registration,
  type Session,
  SessionShape,
} from '../protocol/generated'
import { ProblemError, Unreachable } from './errors'

const decodeSession = decoder<Session>(SessionShape)
const decodeProblem = decoder<Problem>(ProblemShape)

export interface Api {
  register(registration: Registration): Promise<Session>
  logIn(credentials: Credentials): Promise<Session>
  /** Trades the cookie for a new access token. */
  refresh(): Promise<Session>
  logOut(): Promise<void>
}

export function createApi(fetch: typeof globalThis.fetch): Api {
  async function request(method: string, path: string, body?: object): Promise<string> {
    let response: Response
    let text: string
    try {
      response = await fetch(path, {
        method,
        credentials: 'same-origin',
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      text = await response.text()
    } catch {
      throw new Unreachable('The server cannot be reached.')
    }
    if (response.ok) return text
    throw problemOf(text)
  }
  return {
    register: async (registration) => session(await request('POST', '/api/accounts', registration)),
    logIn: async (credentials) => session(await request('POST', '/api/session', credentials)),
    refresh: async () => session(await request('POST', '/api/session/refresh')),
    logOut: async () => {
      await request('DELETE', '/api/session')
    },
  }
}

function session(text: string): Session {
  try {
    return decodeSession(text)
  } catch {
    throw new Unreachable('Something else than Hearth answered.')
  }
}

function problemOf(text: string): ProblemError | Unreachable {
  try {
    const { code, message, retry_after_s } = decodeProblem(text)
    return new ProblemError(code, message, retry_after_s ?? null)
  } catch {
    // A proxy's own page, or a portal's: the server itself was not reached.
    return new Unreachable('Something else than Hearth answered.')
  }
}
