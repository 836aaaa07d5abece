/** Accounts and sessions over HTTP. Every failure is a `NetError`. */
import {
  type Credentials,
  type HomeLogIn,
  type Registration,
  type Session,
  SessionShape,
} from '../protocol/generated'
import { makeRequest, reader } from './http'

const session = reader<Session>(SessionShape)

export interface Api {
  register(registration: Registration): Promise<Session>
  logIn(credentials: Credentials): Promise<Session>
  /** Logs in by the word of a home of this server, where the two are one machine. */
  logInByHome(word: HomeLogIn): Promise<Session>
  /** Trades the cookie for a new access token. */
  refresh(): Promise<Session>
  logOut(): Promise<void>
}

export function createApi(fetch: typeof globalThis.fetch): Api {
  const request = makeRequest(fetch)
  return {
    register: async (body) => session(await request('POST', '/api/accounts', { body })),
    logIn: async (body) => session(await request('POST', '/api/session', { body })),
    logInByHome: async (body) => session(await request('POST', '/api/session/home', { body })),
    refresh: async () => session(await request('POST', '/api/session/refresh')),
    logOut: async () => {
      await request('DELETE', '/api/session')
    },
  }
}
