import { expect, it } from 'vitest'
import { createAccountApi } from './accountApi'
import { Unreachable } from './errors'

function answering(...bodies: unknown[]) {
  const requests: [string, RequestInit][] = []
  const api = createAccountApi((path, init) => {
    requests.push([path as string, init!])
    return Promise.resolve(new Response(JSON.stringify(bodies.shift() ?? null)))
  })
  return { api, requests }
}

it('does everything with the token, and sends what was given', async () => {
  const account = { has_password: true, sessions: [] }
  const wanted = { challenge: 'c', rp_id: 'hearth.example', timeout_ms: 1 }
  const proof = { password: 'p' }
  const answers = [account, null, null, wanted, null, null, null, null, { notices: [] }]
  const { api, requests } = answering(...answers)
  expect(await api.show('t')).toEqual(account)
  await api.endSession('t', 'a/b')
  await api.endOthers('t')
  expect(await api.beginProof('t')).toEqual(wanted)
  await api.prove('t', proof)
  await api.changePassword('t', { password: 'n', proof })
  await api.dropPassword('t')
  await api.delete('t', proof)
  expect(await api.notices('t')).toEqual([])
  await api.seeNotices('t')
  const seen = requests.map(([path, { method, headers, body }]) => {
    expect(new Headers(headers).get('authorization')).toBe('Bearer t')
    return [method, path, ...(typeof body === 'string' ? [JSON.parse(body)] : [])] as unknown[]
  })
  expect(seen).toEqual([
    ['GET', '/api/account'],
    ['DELETE', '/api/account/sessions/a%2Fb'],
    ['DELETE', '/api/account/sessions'],
    ['POST', '/api/account/proof/challenge'],
    ['POST', '/api/account/proof', proof],
    ['PUT', '/api/account/password', { password: 'n', proof }],
    ['DELETE', '/api/account/password'],
    ['POST', '/api/account/deletion', proof],
    ['GET', '/api/account/notices'],
    ['POST', '/api/account/notices/seen'],
  ])
})

it('takes an answer of another shape for unreachable', async () => {
  await expect(answering({ sessions: 'no' }).api.show('t')).rejects.toThrow(Unreachable)
})
