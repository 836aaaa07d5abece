import { beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../protocol/generated'
import { Access } from './access'
import type { Api } from './api'
import { ProblemError } from './errors'

let now: number
let refreshes: ((session: Session | Error) => void)[]
let sessions: Session[]
let exclusives: number
let access: Access

function session(token: string): Session {
  return { access_token: token, expires_in_s: 300, user: { id: '1', name: 'anna' } }
}

beforeEach(() => {
  now = 0
  refreshes = []
  sessions = []
  exclusives = 0
  const refresh = () =>
    new Promise<Session>((resolve, reject) => {
      refreshes.push((value) => {
        if (value instanceof Error) reject(value)
        else resolve(value)
      })
    })
  access = new Access({
    api: { refresh } as unknown as Api,
    now: () => now,
    exclusive: (action) => {
      exclusives++
      return action()
    },
    onSession: (one) => void sessions.push(one),
  })
})

describe('a token', () => {
  it('is used while it is good', async () => {
    access.take(session('first'))
    now = 269_999
    expect(await access.token()).toBe('first')
    expect(refreshes).toHaveLength(0)
  })

  it('is renewed before it expires', async () => {
    access.take(session('first'))
    now = 270_000
    const token = access.token()
    refreshes[0]!(session('second'))
    expect(await token).toBe('second')
    expect(sessions).toHaveLength(2)
  })

  it('is renewed once for all who ask, behind the lock of all tabs', async () => {
    const both = Promise.all([access.token(), access.token()])
    refreshes[0]!(session('one'))
    expect(await both).toEqual(['one', 'one'])
    expect([refreshes.length, exclusives]).toEqual([1, 1])
  })

  it('that the server refused is not used again', async () => {
    access.take(session('first'))
    access.distrust('first')
    const token = access.token()
    refreshes[0]!(session('second'))
    expect(await token).toBe('second')
  })

  it('is asked for anew after a failure', async () => {
    const token = access.token()
    refreshes[0]!(new ProblemError('not_logged_in', ''))
    await expect(token).rejects.toThrow(ProblemError)
    void access.token()
    expect(refreshes).toHaveLength(2)
  })
})

it('keeps no session that comes after the person has left', async () => {
  const late = access.token()
  access.drop()
  refreshes[0]!(session('late'))
  await late
  expect(sessions).toEqual([])
})
