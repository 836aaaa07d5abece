import { describe, expect, it } from 'vitest'
import { createApi } from './api'
import { isLoggedOut, ProblemError, Unreachable } from './errors'

const session = { access_token: 't', expires_in_s: 300, user: { id: '1', name: 'anna' } }

function answering(status: number, body: unknown) {
  const requests: [string, RequestInit][] = []
  const api = createApi((path, init) => {
    requests.push([path as string, init!])
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return Promise.resolve(new Response(status === 204 ? null : text, { status }))
  })
  return { api, requests }
}

describe('the API', () => {
  it('registers, logs in, refreshes and logs out by these requests', async () => {
    const { api, requests } = answering(200, session)
    expect(await api.register({ username: 'anna', password: 'correct horse' })).toEqual(session)
    await api.logIn({ username: 'anna', password: 'correct horse' })
    await api.logInByHome({ assertion: 'a.b.c' })
    await api.refresh()
    await api.logOut()
    expect(requests.map(([path, { method, body }]) => [method, path, body !== undefined])).toEqual([
      ['POST', '/api/accounts', true],
      ['POST', '/api/session', true],
      ['POST', '/api/session/home', true],
      ['POST', '/api/session/refresh', false],
      ['DELETE', '/api/session', false],
    ])
  })

  it('gives the code of a refusal', async () => {
    const problem = { code: 'rate_limited', message: 'Wait.', retry_after_s: 7 }
    const failed = answering(429, problem).api.refresh()
    await expect(failed).rejects.toMatchObject({ code: 'rate_limited', retryAfterS: 7 })
  })

  it('takes a network that fails for unreachable, and for no log-out', async () => {
    const api = createApi(() => Promise.reject(new TypeError('Failed to fetch')))
    const error: unknown = await api.refresh().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Unreachable)
    expect(isLoggedOut(error)).toBe(false)
  })

  for (const [status, body] of [
    [502, '<html>Bad gateway</html>'],
    [200, '<html>Welcome to the hotel</html>'],
    [401, { code: 'from_the_future', message: '' }],
  ] as const) {
    it(`takes ${String(status)} with a body that is not Hearth's for unreachable`, async () => {
      await expect(answering(status, body).api.refresh()).rejects.toThrow(Unreachable)
    })
  }
})

it('knows which refusals mean that nobody is logged in', () => {
  expect(isLoggedOut(new ProblemError('session_revoked', ''))).toBe(true)
  expect(isLoggedOut(new ProblemError('internal', ''))).toBe(false)
})
