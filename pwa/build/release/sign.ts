import { type KeyObject, sign } from 'node:crypto'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Manifest,
  type Release,
  readRelease,
  releaseFile,
  signedBytes,
  writeRelease,
} from '../../src/release/manifest'
import { Refused } from '../../src/release/refused'
import { toHex, verifySignature } from '../../src/release/verify'
import { codeOf, ReleaseError } from './errors'
import { publicHex } from './key'
import { listFiles } from './listing'

/**
 * Signs a built app where it lies, or a copy of it in `to`.
 *
 * What this key has signed there before stays as it is while no file differs: devices would take a
 * new signature for an update. Otherwise the new one is younger, whatever the clock says.
 */
export async function publish(options: {
  folder: string
  to?: string | undefined
  key: KeyObject
  version: string
  /** Seconds since 1970. */
  now: number
}): Promise<Release> {
  const { folder, to = folder, key, version, now } = options
  const before = await signedBefore(to, key)
  const files = await listFiles(folder)
  const isUnchanged =
    before?.manifest.version === version && JSON.stringify(before.manifest.files) === JSON.stringify(files)
  const issued = Math.max(now, (before?.manifest.issued ?? 0) + 1)
  const release = isUnchanged ? before : signManifest({ version, issued, files }, key)
  const text = writeRelease(release)
  readable(text, folder)
  try {
    if (to === folder) replaceFile(join(to, releaseFile), text)
    else replaceFolder(folder, to, text)
  } catch (error) {
    throw new ReleaseError(`The app cannot be written to ${to} (${codeOf(error)}).`)
  }
  return release
}

export function signManifest(manifest: Manifest, key: KeyObject): Release {
  const signature = toHex(sign(null, signedBytes(manifest), key))
  return { manifest, key: publicHex(key), signature }
}

async function signedBefore(folder: string, key: KeyObject): Promise<Release | null> {
  try {
    const release = readRelease(readFileSync(join(folder, releaseFile), 'utf8'))
    if (release.key !== publicHex(key)) return null
    await verifySignature(release)
    return release
  } catch {
    return null
  }
}

/** What no device would read is better not signed. */
function readable(text: string, folder: string): void {
  try {
    readRelease(text)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    throw new ReleaseError(`${folder} does not hold a built app. Run: npm --prefix pwa run build`)
  }
}

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

function replaceFolder(from: string, to: string, text: string): void {
  const [fresh, former] = [`${to}.new`, `${to}.old`]
  for (const folder of [fresh, former]) rmSync(folder, { recursive: true, force: true })
  cpSync(from, fresh, { recursive: true })
  writeFileSync(join(fresh, releaseFile), text)
  if (existsSync(to)) renameSync(to, former)
  renameSync(fresh, to)
  rmSync(former, { recursive: true, force: true })
}
