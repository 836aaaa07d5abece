/** The key that releases are signed with: a PEM file (PKCS #8) of which only the owner can read. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fingerprint, toHex } from '../../src/release/verify'
import { codeOf, ReleaseError } from './errors'

/** @throws ReleaseError there is a file already, it cannot be written, or it would be in a checkout */
export function makeKey(file: string): KeyObject {
  const checkout = checkoutAround(file)
  if (checkout) {
    throw new ReleaseError(
      `${file} is inside of ${checkout}, from where a key might be published. ` +
        'Name a place outside of it: --key FILE, or HEARTH_DATA for the data folder.',
    )
  }
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const why = codeOf(error)
    throw new ReleaseError(
      why === 'EEXIST'
        ? `${file} is there already. Whoever trusts it would refuse another: keep it, or name a new file.`
        : `The key cannot be written to ${file} (${why}).`,
    )
  }
  return privateKey
}

/** @throws ReleaseError there is none, it is no Ed25519 key, or others can read it */
export function readKey(file: string): KeyObject {
  let key: KeyObject
  try {
    if (process.platform !== 'win32' && statSync(file).mode & 0o077) {
      throw new ReleaseError(`Others can read the key ${file}. Run: chmod 600 ${file}`)
    }
    key = createPrivateKey(readFileSync(file))
  } catch (error) {
    if (error instanceof ReleaseError) throw error
    const advice = codeOf(error) === 'ENOENT' ? 'Make one with: scripts/release key' : 'Name another file.'
    throw new ReleaseError(`There is no key to sign with in ${file}. ${advice}`)
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new ReleaseError(`The key in ${file} is not an Ed25519 key. Name another file.`)
  }
  return key
}

/** The 32 bytes of the public key, in hex. */
export function publicHex(key: KeyObject): string {
  const open = key.type === 'public' ? key : createPublicKey(key)
  const spki = open.export({ format: 'der', type: 'spki' })
  return toHex(spki.subarray(-32)) // RFC 8410: the key itself ends the structure
}

/** Whether `named` (a key file, a public key or a fingerprint in hex) is this public key. */
export async function isKey(named: string, key: string): Promise<boolean> {
  if (existsSync(named)) return publicHex(createPrivateOrPublic(named)) === key
  const hex = named.replaceAll(/[\s:]/g, '').toLowerCase()
  if (!/^([0-9a-f]{32}|[0-9a-f]{64})$/.test(hex)) {
    throw new ReleaseError(`${named} is neither a key file nor a public key or fingerprint in hex.`)
  }
  return hex === key || hex === (await fingerprint(key)).replaceAll(' ', '')
}

function createPrivateOrPublic(file: string): KeyObject {
  try {
    return createPublicKey(readFileSync(file))
  } catch {
    throw new ReleaseError(`${file} holds no key. Name another file.`)
  }
}

function checkoutAround(file: string): string | null {
  for (let folder = dirname(resolve(file)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder
    if (folder === dirname(folder)) return null
  }
}
