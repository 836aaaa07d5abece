/** Passkeys over HTTP. Every failure is a `NetError`. */
import {
  type NewPasskey,
  type Passkey,
  type PasskeyAssertion,
  type PasskeyCreation,
  PasskeyCreationShape,
  type PasskeyList,
  PasskeyListShape,
  type PasskeyRequest,
  PasskeyRequestShape,
  PasskeyShape,
  type Session,
  SessionShape,
} from '../protocol/generated'
import { makeRequest, reader } from './http'

const creation = reader<PasskeyCreation>(PasskeyCreationShape)
const passkey = reader<Passkey>(PasskeyShape)
const list = reader<PasskeyList>(PasskeyListShape)
const wanted = reader<PasskeyRequest>(PasskeyRequestShape)
const session = reader<Session>(SessionShape)

export interface PasskeyApi {
  beginMaking(token: string): Promise<PasskeyCreation>
  make(token: string, made: NewPasskey): Promise<Passkey>
  list(token: string): Promise<Passkey[]>
  remove(token: string, id: string): Promise<void>
  beginLogIn(): Promise<PasskeyRequest>
  logIn(assertion: PasskeyAssertion): Promise<Session>
}

export function createPasskeyApi(fetch: typeof globalThis.fetch): PasskeyApi {
  const request = makeRequest(fetch)
  return {
    beginMaking: async (token) =>
      creation(await request('POST', '/api/passkeys/challenge', { token })),
    make: async (token, body) => passkey(await request('POST', '/api/passkeys', { token, body })),
    list: async (token) => list(await request('GET', '/api/passkeys', { token })).passkeys,
    remove: async (token, id) => {
      await request('DELETE', `/api/passkeys/${encodeURIComponent(id)}`, { token })
    },
    beginLogIn: async () => wanted(await request('POST', '/api/session/passkey/challenge')),
    logIn: async (body) => session(await request('POST', '/api/session/passkey', { body })),
  }
}
