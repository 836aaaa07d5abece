import { statSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fingerprint } from '../../src/release/verify'
import { appFiles, newKey } from '../../tests/support/releases'
import { isKey, makeKey, publicHex, readKey } from './key'
import { publish } from './sign'
import { verifyFolder, verifyServer } from './verify'

const key = newKey()
const usual = { key, version: '1.0.0', now: 1_000 }
let top: string
let folder: string

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'release-'))
  folder = join(top, 'app')
  for (const [path, text] of Object.entries(appFiles())) await put(path, text)
  return () => rm(top, { recursive: true })
})

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true })
  await writeFile(join(folder, path), content)
}

describe('the key', () => {
  it('is a file that only its owner can read', () => {
    const file = join(top, 'secret', 'key.pem')
    const made = makeKey(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(publicHex(readKey(file))).toBe(publicHex(made))
  })

  it('does not replace another', () => {
    const file = join(top, 'key.pem')
    makeKey(file)
    expect(() => makeKey(file)).toThrow('is there already')
  })

  it('is not made inside of a checkout', async () => {
    await mkdir(join(top, '.git'))
    expect(() => makeKey(join(top, 'deep', 'key.pem'))).toThrow('from where a key might be published')
  })

  it('that others can read signs nothing', async () => {
    const file = join(top, 'key.pem')
    const pem = key.export({ format: 'pem', type: 'pkcs8' })
    await writeFile(file, pem, { mode: 0o644 })
    expect(() => readKey(file)).toThrow(`Run: chmod 600 ${file}`)
  })

  it('is known by its file, itself and its fingerprint, and by nothing else', async () => {
    const file = join(top, 'key.pem')
    const hex = publicHex(makeKey(file))
    for (const named of [file, hex, await fingerprint(hex)]) expect(await isKey(named, hex)).toBe(true)
    expect(await isKey(publicHex(key), hex)).toBe(false)
    await expect(isKey('mine', hex)).rejects.toThrow('neither a key file')
  })
})

describe('signing', () => {
  it('leaves what is unchanged as it was signed before', async () => {
    const to = join(top, 'served')
    const first = await publish({ ...usual, folder, to })
    expect(await publish({ ...usual, folder, to, now: 9_000 })).toEqual(first)
    expect(await readFile(join(to, 'index.html'), 'utf8')).toBe('<p>first</p>')
  })

  it('makes each release younger than the last, even with a clock that went back', async () => {
    await publish({ ...usual, folder })
    await put('index.html', '<p>second</p>')
    const { manifest } = await publish({ ...usual, folder, now: 5 })
    expect(manifest.issued).toBe(1_001)
  })

  it('signs anew with another key', async () => {
    await publish({ ...usual, folder })
    const other = newKey()
    expect((await publish({ ...usual, folder, key: other })).key).toBe(publicHex(other))
  })

  it('removes from the served copy what the app has no more', async () => {
    const to = join(top, 'served')
    await put('old.js', 'old()')
    await publish({ ...usual, folder, to })
    await rm(join(folder, 'old.js'))
    await publish({ ...usual, folder, to })
    expect((await verifyFolder(to)).problems).toEqual([])
    expect((await verifyFolder(to)).release.manifest.files.map(({ path }) => path)).not.toContain('old.js')
  })

  it('refuses a folder that no device would take for an app', async () => {
    await rm(join(folder, 'sw.js'))
    await expect(publish({ ...usual, folder })).rejects.toThrow('does not hold a built app')
  })
})

describe('a folder', () => {
  beforeEach(async () => {
    await put('index.html.br', brotliCompressSync('<p>first</p>'))
    await publish({ ...usual, folder })
  })

  const problems = async () => (await verifyFolder(folder)).problems

  it('is good as it was signed', async () => {
    expect(await problems()).toEqual([])
  })

  it('is not with a changed, a missing and an extra file, each named', async () => {
    await put('index.html', '<p>evil</p>')
    await rm(join(folder, 'assets/app.js'))
    await put('extra.js', 'evil()')
    expect(await problems()).toEqual([
      'assets/app.js is missing.',
      'extra.js is not in the manifest.',
      'index.html is not as in the manifest.',
      'index.html.br is not the compressed form of the file beside it.',
    ])
  })

  it('is not with another page in the compressed form alone', async () => {
    await put('index.html.br', brotliCompressSync('<p>evil</p>'))
    expect(await problems()).toEqual(['index.html.br is not the compressed form of the file beside it.'])
  })

  it('is not without a signature', async () => {
    await rm(join(folder, 'release.json'))
    await expect(verifyFolder(folder)).rejects.toThrow('it is not signed')
  })
})

describe('a server', () => {
  let server: Server
  let address: URL
  /** Given to who accepts this encoding alone. */
  let evil: { path: string; encoding: string } | null

  beforeEach(async () => {
    await publish({ ...usual, folder })
    evil = null
    server = createServer(({ url = '', headers }, response) => {
      const path = ['/', '/settings'].includes(url) ? 'index.html' : url.slice(1)
      const encoding = String(headers['accept-encoding'])
      readFile(join(folder, path)).then(
        (content) => {
          const given = evil?.path === url && evil.encoding === encoding ? Buffer.from('evil') : content
          if (encoding !== 'br') return response.end(given)
          response.setHeader('content-encoding', 'br').end(brotliCompressSync(given))
        },
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    address = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`)
  })

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('is good when it serves what was signed', async () => {
    expect((await verifyServer(address)).problems).toEqual([])
  })

  it('is not when it has another page for who accepts Brotli', async () => {
    evil = { path: '/', encoding: 'br' }
    expect((await verifyServer(address)).problems).toEqual(['/ (br) is not the signed index.html.'])
  })

  it('is not when a file is missing', async () => {
    await rm(join(folder, 'assets/app.js'))
    expect((await verifyServer(address)).problems).toContain('The server has no /assets/app.js (status 404).')
  })

  it('that does not answer is a sentence', async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
    await expect(verifyServer(address)).rejects.toThrow('cannot be reached (ECONNREFUSED)')
  })
})
