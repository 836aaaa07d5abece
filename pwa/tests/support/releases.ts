import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { signManifest } from '../../build/release/sign'
import { type Manifest, releaseFile, writeRelease } from '../../src/release/manifest'
import { sha256 } from '../../src/release/verify'

export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey

const bytes = (text: string) => new TextEncoder().encode(text)

/** The few files that an app must have, and what a test adds. */
export function appFiles(added: Record<string, string> = {}): Record<string, string> {
  return { 'index.html': '<p>first</p>', 'sw.js': 'worker', 'assets/app.js': 'first()', ...added }
}

export async function manifestOf(
  files: Record<string, string>,
  issued = 1_000,
  version = '1.0.0',
): Promise<Manifest> {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))
  const listed = sorted.map(async ([path, text]) => ({
    path,
    sha256: await sha256(bytes(text)),
    size: bytes(text).length,
  }))
  return { version, issued, files: await Promise.all(listed) }
}

/** A server with an app, which a test may change behind the back of its signature. */
export class TestServer {
  files = new Map<string, string>()
  headers: Record<string, string> = {}
  isDown = false
  /** Ends each request for this path as a lost network does. */
  lost = ''
  /** Answers no request for this path, until it is let go. */
  stuck = ''
  private waiting: (() => void)[] = []
  asked: string[] = []

  async publish(key: KeyObject, files: Record<string, string>, issued?: number): Promise<void> {
    const release = signManifest(await manifestOf(files, issued), key)
    this.files = new Map(Object.entries({ ...files, [releaseFile]: writeRelease(release) }))
  }

  letGo(): void {
    this.stuck = ''
    for (const go of this.waiting.splice(0)) go()
  }

  /** A change that nobody signed. */
  alter(path: string, text: string): void {
    this.files.set(path, text)
  }

  readonly fetch = (address: string): Promise<Response> => {
    const path = address.slice(1)
    this.asked.push(path)
    if (this.isDown || path === this.lost) return Promise.reject(new TypeError('no network'))
    if (path === this.stuck) return this.whenLetGo(path)
    return Promise.resolve(this.answer(path))
  }

  private whenLetGo(path: string): Promise<Response> {
    const answer = this.answer(path)
    return new Promise((resolve) => this.waiting.push(() => resolve(answer)))
  }

  private answer(path: string): Response {
    const text = this.files.get(path)
    const { headers } = this
    return text === undefined ? new Response(null, { status: 404 }) : new Response(text, { headers })
  }
}
