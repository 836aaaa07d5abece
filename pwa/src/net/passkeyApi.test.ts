import { expect, it } from 'vitest'
import { Unreachable } from './errors'
import { createPasskeyApi } from './passkeyApi'

function answering(...bodies: unknown[]) {
  const requests: [string, RequestInit][] = []
  const api = createPasskeyApi((path, init) => {
    requests.push([path as string, init!])
    return Promise.resolve(new Response(JSON.stringify(bodies.shift() ?? null)))
  })
  return { api, requests }
}

const passkey = { id: 'a-_', name: 'Phone', created_ms: 1 }
const session = { access_token: 't', expires_in_s: 300, user: { id: '1', name: 'anna' } }
const creation = {
  challenge: 'c',
  rp_id: 'hearth.example',
  user_handle: 'h',
  user_name: 'anna',
  algorithms: [-7],
  exclude: [],
  timeout_ms: 1,
}

it('manages passkeys with the token, and logs in without one', async () => {
  const request = { challenge: 'c', rp_id: 'hearth.example', timeout_ms: 1 }
  const answers = [creation, passkey, { passkeys: [passkey] }, null, request, session]
  const { api, requests } = answering(...answers)
  expect(await api.beginMaking('t')).toEqual(creation)
  await api.make('t', { name: 'Phone', client_data: 'c', attestation: 'a' })
  expect(await api.list('t')).toEqual([passkey])
  await api.remove('t', 'a-_')
  expect(await api.beginLogIn()).toEqual(request)
  const assertion = {
    id: 'a',
    client_data: 'c',
    authenticator_data: 'd',
    signature: 's',
    user_handle: 'h',
  }
  expect(await api.logIn(assertion)).toEqual(session)
  const seen = requests.map(([path, { method, headers, body }]) => [
    method,
    path,
    new Headers(headers).get('authorization'),
    typeof body,
  ])
  expect(seen).toEqual([
    ['POST', '/api/passkeys/challenge', 'Bearer t', 'undefined'],
    ['POST', '/api/passkeys', 'Bearer t', 'string'],
    ['GET', '/api/passkeys', 'Bearer t', 'undefined'],
    ['DELETE', '/api/passkeys/a-_', 'Bearer t', 'undefined'],
    ['POST', '/api/session/passkey/challenge', null, 'undefined'],
    ['POST', '/api/session/passkey', null, 'string'],
  ])
})

it('takes an answer of another shape for unreachable', async () => {
  await expect(answering({ passkeys: 'no' }).api.list('t')).rejects.toThrow(Unreachable)
})
