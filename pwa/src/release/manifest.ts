/** What a release of the app consists of, and the bytes of it that are signed. */
import { Refused } from './refused'

export interface ReleaseFile {
  /** From the root of the app, without a leading slash. */
  readonly path: string
  /** Of the content, not of its compressed form; hex. */
  readonly sha256: string
  /** In bytes. */
  readonly size: number
}

export interface Manifest {
  readonly version: string
  /** When it was signed, in seconds since 1970. A release never replaces one that is younger. */
  readonly issued: number
  /** Sorted by path, each path once. */
  readonly files: readonly ReleaseFile[]
}

/** What `release.json` holds. */
export interface Release {
  readonly manifest: Manifest
  /** The Ed25519 public key, 32 bytes; hex. */
  readonly key: string
  /** Ed25519 (RFC 8032) over `signedBytes`, 64 bytes; hex. */
  readonly signature: string
}

export const releaseFile = 'release.json'
/** The one file that the browser itself fetches and keeps. */
export const workerFile = 'sw.js'

const format = 'hearth-release-1'
const longest = 256 * 1024
const largest = 16 * 1024 * 1024
const segment = '[A-Za-z0-9_-][A-Za-z0-9._-]*'
const path = new RegExp(`^${segment}(/${segment})*$`)
const version = /^[0-9A-Za-z.+-]{1,40}$/

/**
 * The bytes that a signature covers: the manifest as canonical JSON (RFC 8785), which begins with
 * nothing else that this key signs.
 */
export function signedBytes({ version, issued, files }: Manifest): Uint8Array<ArrayBuffer> {
  const ordered = files.map(({ path, sha256, size }) => ({ path, sha256, size }))
  return new TextEncoder().encode(JSON.stringify({ files: ordered, format, issued, version }))
}

/** The file `release.json`: one line that says all. */
export function writeRelease({ manifest, key, signature }: Release): string {
  const signed = new TextDecoder().decode(signedBytes(manifest))
  return `{"key":"${key}","manifest":${signed},"signature":"${signature}"}\n`
}

/**
 * Reads `release.json`, and takes nothing that is not as it must be.
 * @throws Refused
 */
export function readRelease(text: string): Release {
  if (text.length > longest) throw new Refused('unreadable')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Refused('unreadable')
  }
  if (!isObject(value) || !isHex(value.key, 32) || !isHex(value.signature, 64)) {
    throw new Refused('unreadable')
  }
  return { manifest: manifestOf(value.manifest), key: value.key, signature: value.signature }
}

function manifestOf(value: unknown): Manifest {
  if (
    !isObject(value) ||
    value.format !== format ||
    typeof value.version !== 'string' ||
    !version.test(value.version) ||
    !isCount(value.issued, Number.MAX_SAFE_INTEGER) ||
    !Array.isArray(value.files)
  ) {
    throw new Refused('unreadable')
  }
  const files = value.files.map(fileOf)
  const isSorted = files.every((file, n) => n === 0 || (files[n - 1]?.path ?? '') < file.path)
  const isWhole = ['index.html', workerFile].every((name) => files.some((f) => f.path === name))
  if (!isSorted || !isWhole) throw new Refused('unreadable')
  return { version: value.version, issued: value.issued, files }
}

function fileOf(value: unknown): ReleaseFile {
  if (
    !isObject(value) ||
    typeof value.path !== 'string' ||
    !path.test(value.path) ||
    !isHex(value.sha256, 32) ||
    !isCount(value.size, largest)
  ) {
    throw new Refused('unreadable')
  }
  return { path: value.path, sha256: value.sha256, size: value.size }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value)
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most
}
