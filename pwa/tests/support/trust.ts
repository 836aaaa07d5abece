/** A home for tests of the device's machines, with a key that is the same in every run. */
import vectors from '../../../protocol/vectors/trust.json'
import { fromText, toText } from '../../src/protocol/base64'
import type { PairRequest, TrustFromHome, TrustToHome } from '../../src/protocol/generated'
import { VERSION } from '../../src/protocol/generated'
import { type Bytes, concat } from '../../src/trust/bytes'
import { mac, type Fingerprints, type Purpose, type Transcript, transcriptOf } from '../../src/trust/transcript'

export function bytesOf(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Thirty-two bytes that differ by name and are the same in every run. */
export function fixed(name: string): Bytes {
  return Uint8Array.from({ length: 32 }, (_, index) => name.charCodeAt(index % name.length) ^ index)
}

/** WebCrypto as browsers had it before Ed25519. */
export const withoutEd25519 = new Proxy(crypto.subtle, {
  get(subtle, name: keyof SubtleCrypto) {
    const method = subtle[name].bind(subtle) as (...args: unknown[]) => unknown
    return (...args: unknown[]) => {
      if (args.includes('Ed25519')) return Promise.reject(new DOMException('', 'NotSupportedError'))
      return method(...args)
    }
  },
})

/** PKCS #8 before the 32 bytes of an Ed25519 seed (RFC 8410). */
const pkcs8 = bytesOf('302e020100300506032b657004220420')

const home = vectors.ids.find(({ name }) => name === 'home') ?? { key: '', id: '' }
export const homeKey = bytesOf(home.key)
export const homeId = home.id

export const fingerprints: Fingerprints = {
  home: fixed('home certificate'),
  device: fixed('device certificate'),
}

/** The home's side of one connection. It trusts everybody: what is tested is the device. */
export class HomeEnd {
  nonce = fixed('home nonce')
  fingerprints = fingerprints
  secret: Bytes | null = null
  /** The device's, by which the transcript is made. */
  deviceKey: Bytes = fixed('device key')
  private commitment: Bytes = new Uint8Array()
  private purpose: Purpose = 'hearth-bind-v1'

  get transcript(): Transcript {
    return {
      purpose: this.purpose,
      version: VERSION,
      homeKey,
      deviceKey: this.deviceKey,
      homeFingerprint: this.fingerprints.home,
      deviceFingerprint: this.fingerprints.device,
      homeNonce: this.nonce,
      commitment: this.commitment,
    }
  }

  /** Answers as an honest home, except that it waits for no person. */
  async answer(message: TrustToHome): Promise<TrustFromHome | null> {
    switch (message.type) {
      case 'introduce':
        this.purpose = 'hearth-bind-v1'
        this.commitment = fromText(message.commitment)
        return { type: 'challenge', nonce: toText(this.nonce), signature: await this.signature() }
      case 'prove':
        return { type: 'bound' }
      case 'pair_request':
        this.begin(message)
        return { type: 'pair_offer', key: toText(homeKey), nonce: toText(this.nonce) }
      case 'pair_reveal':
        return this.accept()
      case 'pair_confirm':
        return { type: 'paired' }
    }
  }

  async accept(): Promise<TrustFromHome> {
    const proof = this.secret && (await mac(this.secret, transcriptOf(this.transcript, 'home')))
    return { type: 'pair_accept', signature: await this.signature(), mac: proof && toText(proof) }
  }

  async signature(role: 'home' | 'device' = 'home'): Promise<string> {
    const seed = concat(pkcs8, bytesOf(vectors.home_seed))
    const key = await crypto.subtle.importKey('pkcs8', seed, 'Ed25519', false, ['sign'])
    const data = transcriptOf(this.transcript, role)
    return toText(new Uint8Array(await crypto.subtle.sign('Ed25519', key, data)))
  }

  private begin(request: PairRequest): void {
    this.purpose = `hearth-pair-${request.method}-v1`
    this.deviceKey = fromText(request.key)
    this.commitment = fromText(request.commitment)
  }
}
