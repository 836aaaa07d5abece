/** Keys and signatures of both ends by WebCrypto, verified as strictly as `gpu_peer/trust/keys.py`. */
import type { Bytes } from './bytes'
import { isStrict, verifyEd25519 } from './ed25519'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A device's own key. What signs can be used by this origin and read by nobody. */
export interface DeviceKey {
  /** Ed25519, 32 bytes, or P-256, 65 bytes uncompressed. */
  readonly publicKey: Bytes
  readonly privateKey: CryptoKey
}

/** Makes a key: Ed25519 where the browser has it, else P-256. */
export async function makeDeviceKey(subtle: SubtleCrypto = crypto.subtle): Promise<DeviceKey> {
  const { publicKey, privateKey } = await generate(subtle)
  return { publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)), privateKey }
}

/** 64 bytes: Ed25519's, or r and s of ECDSA. */
export async function sign({ privateKey }: DeviceKey, data: Bytes): Promise<Bytes> {
  const algorithm = privateKey.algorithm.name === 'Ed25519' ? 'Ed25519' : ecdsa
  return new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, data))
}

/** Whether the holder of the key signed the data. Whatever is wrong is false, never an error. */
export async function verify(
  key: Bytes,
  signature: Bytes,
  data: Bytes,
  subtle: SubtleCrypto = crypto.subtle,
): Promise<boolean> {
  try {
    if (key.length === 32) {
      return isStrict(key, signature) && (await verifyStrict(key, signature, data, subtle))
    }
    // Points have other forms too, which not every browser refuses.
    if (key[0] !== 4) return false
    const imported = await subtle.importKey('raw', key, ecdsa, false, ['verify'])
    return await subtle.verify(ecdsa, imported, signature, data)
  } catch {
    return false
  }
}

async function verifyStrict(
  key: Bytes,
  signature: Bytes,
  data: Bytes,
  subtle: SubtleCrypto,
): Promise<boolean> {
  let imported: CryptoKey
  try {
    imported = await subtle.importKey('raw', key, 'Ed25519', false, ['verify'])
  } catch (error) {
    return isUnknown(error) && verifyEd25519(key, signature, data)
  }
  return subtle.verify('Ed25519', imported, signature, data)
}

async function generate(subtle: SubtleCrypto): Promise<CryptoKeyPair> {
  try {
    return await subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  } catch (error) {
    if (!isUnknown(error)) throw error
    return subtle.generateKey(ecdsa, false, ['sign', 'verify'])
  }
}

/** Whether the browser said that it does not know the algorithm. */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotSupportedError'
}
