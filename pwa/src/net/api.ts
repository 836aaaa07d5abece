/** Accounts and sessions over HTTP. Every failure is a `NetError`. */
import {
  type Credentials,
  type Registration,
  type Session,
  SessionShape,
} from '../protocol/generated'
import { makeRequest, reader } from './http'

const session = reader<Session>(SessionShape)

export interface Api {
  register(registration: Registration): Promise<Session>
  logIn(credentials: Credentials): Promise<Session>
  /** Trades the cookie for a new access token. */
  refresh(): Promise<Session>
  logOut(): Promise<void>
}

export function createApi(fetch: typeof globalThis.fetch): Api {
  const request = makeRequest(fetch)
  return {
    register: async (body) => session(await request('POST', '/api/accounts', { body })),
    logIn: async (body) => session(await request('POST', '/api/session', { body })),
    refresh: async () => session(await request('POST', '/api/session/refresh')),
    logOut: async () => {
      await request('DELETE', '/api/session')
    },
  }
}
