/** Whether a release may take the place of what is here. */
import { type Manifest, type Release, type ReleaseFile, signedBytes } from './manifest'
import { Refused } from './refused'

/** What a release is held against. */
export interface Held {
  /** The public key, hex; null before the first release, whose key becomes the pinned one. */
  readonly pin: string | null
  /** The youngest release that was ever taken; null before the first. */
  readonly newest: Manifest | null
}

/**
 * Lets only a release pass that the pinned key signed, and that is the newest or younger.
 * @throws Refused
 */
export async function judge(release: Release, { pin, newest }: Held): Promise<void> {
  await verifySignature(release)
  if (pin !== null && release.key !== pin) throw new Refused('other_key', release.key)
  if (!newest || release.manifest.issued > newest.issued) return
  if (!isSame(release.manifest, newest)) throw new Refused('older', release.manifest.version)
}

/** @throws Refused */
export async function verifySignature({ manifest, key, signature }: Release): Promise<void> {
  const [raw, signed] = [fromHex(key), fromHex(signature)]
  let isGood: boolean
  try {
    const verifier = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
    isGood = await crypto.subtle.verify('Ed25519', verifier, signed, signedBytes(manifest))
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') {
      throw new Refused('unsupported')
    }
    throw new Refused('forged')
  }
  if (!isGood) throw new Refused('forged')
}

/**
 * Lets only the content pass that the manifest names.
 * @throws Refused
 */
export async function verifyFile(file: ReleaseFile, content: Uint8Array<ArrayBuffer>): Promise<void> {
  if (content.length !== file.size || (await sha256(content)) !== file.sha256) {
    throw new Refused('changed_file', file.path)
  }
}

/** Hex. */
export async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', content)))
}

/** How a key is shown: the first 128 bits of its SHA-256, in groups that can be read aloud. */
export async function fingerprint(key: string): Promise<string> {
  const digest = await sha256(fromHex(key))
  return (digest.slice(0, 32).match(/.{4}/g) ?? []).join(' ')
}

export function isSame(one: Manifest, other: Manifest): boolean {
  const [a, b] = [one, other].map((manifest) => new TextDecoder().decode(signedBytes(manifest)))
  return a === b
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}
