import { describe, expect, it } from 'vitest'
import type { PasskeyCreation } from '../protocol/generated'
import { browserAuthenticator, type Surroundings } from './authenticator'
import { PasskeyFailed } from './errors'

const bytes = (...values: number[]) => new Uint8Array(values).buffer

function surroundings(given: Partial<Surroundings> = {}): Surroundings {
  const credentials = { create: () => Promise.resolve(null), get: () => Promise.resolve(null) }
  return {
    isSecureContext: true,
    PublicKeyCredential: {},
    location: { hostname: 'hearth.example' },
    navigator: { credentials },
    ...given,
  }
}

const creation: PasskeyCreation = {
  challenge: '-_-_',
  rp_id: 'hearth.example',
  user_handle: 'AQID',
  user_name: 'anna',
  algorithms: [-7],
  exclude: ['_w'],
  timeout_ms: 120_000,
}

describe('there are no passkeys', () => {
  const reasons: Record<string, Partial<Surroundings>> = {
    'without TLS': { isSecureContext: false },
    'in an old browser': { PublicKeyCredential: undefined },
    'where the browser keeps no credentials': { navigator: {} },
    'at an IPv4 address': { location: { hostname: '192.0.2.1' } },
    'at an IPv6 address': { location: { hostname: '[2001:db8::1]' } },
  }
  for (const [reason, given] of Object.entries(reasons)) {
    it(reason, () => {
      expect(browserAuthenticator(surroundings(given))).toBeNull()
    })
  }

  it('but here', () => {
    expect(browserAuthenticator(surroundings())).not.toBeNull()
    const local = surroundings({ location: { hostname: 'localhost' } })
    expect(browserAuthenticator(local)).not.toBeNull()
  })
})

describe('making a passkey', () => {
  it('asks for one that knows its person, and shows no maker', async () => {
    let asked: CredentialCreationOptions | undefined
    const response = { clientDataJSON: bytes(1), attestationObject: bytes(251, 255) }
    const create = (options?: CredentialCreationOptions) => {
      asked = options
      return Promise.resolve({ response } as unknown as Credential)
    }
    const get = () => Promise.resolve(null)
    const made = await browserAuthenticator(
      surroundings({ navigator: { credentials: { create, get } } }),
    )!.make(creation)
    expect(made).toEqual({ client_data: 'AQ', attestation: '-_8' })
    expect(asked?.publicKey).toMatchObject({
      challenge: new Uint8Array([251, 255, 191]),
      rp: { id: 'hearth.example' },
      user: { id: new Uint8Array([1, 2, 3]), name: 'anna' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      excludeCredentials: [{ type: 'public-key', id: new Uint8Array([255]) }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
      timeout: 120_000,
    })
  })

  for (const [name, code] of [
    ['InvalidStateError', 'passkey_known'],
    ['NotAllowedError', 'passkey_cancelled'],
    ['SecurityError', 'passkey_cancelled'],
  ] as const) {
    it(`tells ${name} by the code ${code}`, async () => {
      const create = () => Promise.reject(new DOMException('', name))
      const get = () => Promise.resolve(null)
      const making = browserAuthenticator(
        surroundings({ navigator: { credentials: { create, get } } }),
      )!.make(creation)
      await expect(making).rejects.toMatchObject({ code })
    })
  }
})

describe('signing', () => {
  it('names nobody, and hands on what was signed', async () => {
    let asked: CredentialRequestOptions | undefined
    const response = {
      clientDataJSON: bytes(1),
      authenticatorData: bytes(2),
      signature: bytes(3),
      userHandle: bytes(4),
    }
    const get = (options?: CredentialRequestOptions) => {
      asked = options
      return Promise.resolve({ rawId: bytes(5), response } as unknown as Credential)
    }
    const create = () => Promise.resolve(null)
    const said = await browserAuthenticator(
      surroundings({ navigator: { credentials: { create, get } } }),
    )!.sign({ challenge: 'AQ', rp_id: 'hearth.example', timeout_ms: 1000 })
    expect(said).toEqual({
      id: 'BQ',
      client_data: 'AQ',
      authenticator_data: 'Ag',
      signature: 'Aw',
      user_handle: 'BA',
    })
    expect(asked?.publicKey).toEqual({
      challenge: new Uint8Array([1]),
      rpId: 'hearth.example',
      userVerification: 'required',
      timeout: 1000,
    })
  })

  it('takes no credential for a refusal', async () => {
    const signing = browserAuthenticator(surroundings())!.sign({
      challenge: 'AQ',
      rp_id: 'hearth.example',
      timeout_ms: 1,
    })
    await expect(signing).rejects.toThrow(PasskeyFailed)
  })
})
