/** A person's own account over HTTP. Every failure is a `NetError`. */
import {
  type Account,
  type AccountNotice,
  AccountShape,
  type NoticeList,
  NoticeListShape,
  type PasskeyRequest,
  PasskeyRequestShape,
  type PasswordChange,
  type Proof,
} from '../protocol/generated'
import { makeRequest, reader } from './http'

const account = reader<Account>(AccountShape)
const wanted = reader<PasskeyRequest>(PasskeyRequestShape)
const list = reader<NoticeList>(NoticeListShape)

export interface AccountApi {
  show(token: string): Promise<Account>
  endSession(token: string, id: string): Promise<void>
  /** Ends every session but this one. */
  endOthers(token: string): Promise<void>
  beginProof(token: string): Promise<PasskeyRequest>
  /** Lets this session change how the account is opened, for five minutes. */
  prove(token: string, proof: Proof): Promise<void>
  /** Every other session ends. */
  changePassword(token: string, change: PasswordChange): Promise<void>
  /** Only passkeys open the account from now on; every other session ends. */
  dropPassword(token: string): Promise<void>
  delete(token: string, proof: Proof): Promise<void>
  notices(token: string): Promise<AccountNotice[]>
  seeNotices(token: string): Promise<void>
}

export function createAccountApi(fetch: typeof globalThis.fetch): AccountApi {
  const request = makeRequest(fetch)
  const tell = async (...asked: Parameters<typeof request>) => void (await request(...asked))
  return {
    show: async (token) => account(await request('GET', '/api/account', { token })),
    endSession: (token, id) =>
      tell('DELETE', `/api/account/sessions/${encodeURIComponent(id)}`, { token }),
    endOthers: (token) => tell('DELETE', '/api/account/sessions', { token }),
    beginProof: async (token) =>
      wanted(await request('POST', '/api/account/proof/challenge', { token })),
    prove: (token, body) => tell('POST', '/api/account/proof', { token, body }),
    changePassword: (token, body) => tell('PUT', '/api/account/password', { token, body }),
    dropPassword: (token) => tell('DELETE', '/api/account/password', { token }),
    delete: (token, body) => tell('POST', '/api/account/deletion', { token, body }),
    notices: async (token) => list(await request('GET', '/api/account/notices', { token })).notices,
    seeNotices: (token) => tell('POST', '/api/account/notices/seen', { token }),
  }
}
