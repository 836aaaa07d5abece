/** A server of the app alone, which may become hostile: it serves a folder and knows no account. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { DIST, signApp } from './release.ts'

const types: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

const policy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:",
  "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'",
  "require-trusted-types-for 'script'; trusted-types vue hearth",
].join('; ')

export class AppServer {
  /** The app as it was built, which a test may change before it is signed. */
  readonly built: string
  /** What is served; changed here, it is changed behind the back of its signature. */
  readonly served: string

  private constructor(
    private readonly top: string,
    private readonly server: Server,
  ) {
    this.built = join(top, 'built')
    this.served = join(top, 'served')
  }

  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`
  }

  /** Serves a copy of the built app, signed by a new key. */
  static async open(): Promise<AppServer> {
    const top = await mkdtemp(join(tmpdir(), 'hearth-app-'))
    const server = createServer((request, response) => {
      void answer(join(top, 'served'), request.url ?? '/').then(({ status, type, content }) => {
        response.writeHead(status, {
          'Content-Type': type,
          'Cache-Control': 'no-cache',
          'Content-Security-Policy': policy,
        })
        response.end(content)
      })
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const app = new AppServer(top, server)
    await cp(DIST, app.built, { recursive: true })
    await app.sign()
    return app
  }

  /** Signs what is built, and serves it. */
  async sign(key = 'first'): Promise<void> {
    await signApp(join(this.top, `${key}.pem`), this.built, this.served)
  }

  async replace(folder: string, path: string, from: string, to: string): Promise<void> {
    const file = join(folder, path)
    const before = await readFile(file, 'utf8')
    const after = before.replace(from, to)
    if (after === before) throw new Error(`${path} does not hold ${from}`)
    await writeFile(file, after)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((done) => this.server.close(done))
  }

  async dispose(): Promise<void> {
    if (this.server.listening) await this.close()
    await rm(this.top, { recursive: true, force: true })
  }
}

async function answer(folder: string, url: string) {
  const { pathname } = new URL(url, 'http://localhost')
  if (pathname.startsWith('/api/')) {
    const content = '{"type":"about:blank","title":"","status":401,"code":"not_logged_in"}'
    return { status: 401, type: 'application/problem+json', content }
  }
  const path = extname(pathname) ? pathname.slice(1) : 'index.html'
  try {
    const content = await readFile(join(folder, path))
    return { status: 200, type: types[extname(path)] ?? 'application/octet-stream', content }
  } catch {
    return { status: 404, type: 'text/plain', content: '' }
  }
}
