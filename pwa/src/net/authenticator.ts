/** The browser's own passkeys: WebAuthn level 3, sections 5.1.3 and 5.1.4. */
import { fromText, toText } from '../protocol/base64'
import type {
  NewPasskey,
  PasskeyAssertion,
  PasskeyCreation,
  PasskeyRequest,
} from '../protocol/generated'
import { PasskeyFailed } from './errors'

export interface Authenticator {
  /**
   * Has a passkey made, which a person allows with a finger, a face or a PIN.
   *
   * @throws {PasskeyFailed} they did not, or this authenticator has one already.
   */
  make(wanted: PasskeyCreation): Promise<Omit<NewPasskey, 'name'>>
  /**
   * Has the challenge signed by a passkey that the person chooses.
   *
   * @throws {PasskeyFailed} they chose none.
   */
  sign(wanted: PasskeyRequest): Promise<PasskeyAssertion>
}

/** The parts of a window that matter here. */
export interface Surroundings {
  isSecureContext: boolean
  PublicKeyCredential?: unknown
  location: { hostname: string }
  navigator: { credentials?: Pick<CredentialsContainer, 'create' | 'get'> }
}

/** Null where there are no passkeys: an old browser, no TLS, or an address that is a number. */
export function browserAuthenticator(window: Surroundings): Authenticator | null {
  const { credentials } = window.navigator
  const hasName = !/^[\d.]+$|:/.test(window.location.hostname)
  if (!window.isSecureContext || !window.PublicKeyCredential || !credentials || !hasName) return null
  return {
    make: async (wanted) => {
      const { response } = await granted(credentials.create({ publicKey: creationOf(wanted) }))
      const { clientDataJSON, attestationObject } = response as AuthenticatorAttestationResponse
      return { client_data: toText(clientDataJSON), attestation: toText(attestationObject) }
    },
    sign: async (wanted) => {
      const credential = await granted(credentials.get({ publicKey: requestOf(wanted) }))
      const response = credential.response as AuthenticatorAssertionResponse
      return {
        id: toText(credential.rawId),
        client_data: toText(response.clientDataJSON),
        authenticator_data: toText(response.authenticatorData),
        signature: toText(response.signature),
        user_handle: response.userHandle ? toText(response.userHandle) : '',
      }
    },
  }
}

function creationOf(wanted: PasskeyCreation): PublicKeyCredentialCreationOptions {
  return {
    challenge: fromText(wanted.challenge),
    rp: { id: wanted.rp_id, name: 'Hearth' },
    user: {
      id: fromText(wanted.user_handle),
      name: wanted.user_name,
      displayName: wanted.user_name,
    },
    pubKeyCredParams: wanted.algorithms.map((alg) => ({ type: 'public-key', alg })),
    excludeCredentials: wanted.exclude.map((id) => ({ type: 'public-key', id: fromText(id) })),
    authenticatorSelection: {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    },
    attestation: 'none',
    timeout: wanted.timeout_ms,
  }
}

function requestOf(wanted: PasskeyRequest): PublicKeyCredentialRequestOptions {
  return {
    challenge: fromText(wanted.challenge),
    rpId: wanted.rp_id,
    userVerification: 'required',
    timeout: wanted.timeout_ms,
  }
}

async function granted(asked: Promise<Credential | null>): Promise<PublicKeyCredential> {
  let credential: Credential | null
  try {
    credential = await asked
  } catch (error) {
    const known = error instanceof DOMException && error.name === 'InvalidStateError'
    throw new PasskeyFailed(known ? 'passkey_known' : 'passkey_cancelled')
  }
  if (!credential) throw new PasskeyFailed('passkey_cancelled')
  return credential as PublicKeyCredential
}
