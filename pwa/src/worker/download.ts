/** Fetches what the server offers, and lets through what was signed. */
import { type Release, type ReleaseFile, readRelease, releaseFile } from '../release/manifest'
import { Refused } from '../release/refused'
import { verifyFile } from '../release/verify'

export type Fetch = (address: string, options: RequestInit) => Promise<Response>

/** Nobody answers, or not now. That is no reason to mistrust anybody. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

const patienceMs = 30_000

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
}

/**
 * The headers taken over from the server. Each can only restrict what a page may do; any other, such
 * as Refresh or Link, could bring in what nobody signed.
 */
const restrictions = [
  'content-security-policy',
  'cross-origin-embedder-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'permissions-policy',
  'referrer-policy',
]

/** @throws Refused, Unreachable */
export async function downloadRelease(fetch: Fetch): Promise<Release> {
  const response = await get(fetch, releaseFile, 'no-store')
  if (!response) throw new Refused('unsigned')
  return readRelease(await text(response))
}

/**
 * Gives the file with headers of our own making, once its content is known to be the signed one.
 * @throws Refused, Unreachable
 */
export async function downloadFile(fetch: Fetch, file: ReleaseFile): Promise<Response> {
  const response = await get(fetch, file.path, 'no-cache')
  if (!response) throw new Refused('changed_file', file.path)
  const content = await bytes(response)
  await verifyFile(file, content)
  const headers = new Headers({
    'content-type': types[file.path.split('.').pop() ?? ''] ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
  })
  for (const name of restrictions) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Response(content, { headers })
}

/** Null: the server answers that it has no such file. */
async function get(fetch: Fetch, path: string, cache: RequestCache): Promise<Response | null> {
  let response: Response
  try {
    const signal = AbortSignal.timeout(patienceMs)
    response = await fetch(`/${path}`, { cache, redirect: 'error', signal })
  } catch {
    throw new Unreachable()
  }
  if (response.ok) return response
  if (response.status === 404 || response.status === 410) return null
  throw new Unreachable()
}

function text(response: Response): Promise<string> {
  return response.text().catch(() => Promise.reject(new Unreachable()))
}

async function bytes(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = await response.arrayBuffer().catch(() => Promise.reject(new Unreachable()))
  return new Uint8Array(buffer)
}
