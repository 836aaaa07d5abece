import { beforeEach, describe, expect, it, vi } from 'vitest'
import { TestCaches } from '../../tests/support/caches'
import { appFiles, newKey, TestServer } from '../../tests/support/releases'
import type { Reason } from '../release/refused'
import { answer } from './serve'
import { Store } from './store'
import { Updater } from './updater'

const origin = 'https://hearth.test'
const key = newKey()
const second = appFiles({ 'index.html': '<p>second</p>', 'assets/app.js': 'second()' })

let server: TestServer
let caches: TestCaches
let store: Store
let updater: Updater

beforeEach(async () => {
  server = new TestServer()
  caches = new TestCaches()
  store = new Store(caches.asCacheStorage())
  updater = new Updater({
    store,
    fetch: server.fetch,
    now: () => 5,
    exclusive: oneByOne(),
  })
  await server.publish(key, appFiles())
})

/** As the browser's locks do it. */
function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}

/** What a page would be given, as the service worker does it. */
async function shown(path: string): Promise<string | undefined> {
  const { current, previous } = await store.read()
  const asked = { method: 'GET', url: `${origin}/${path}`, mode: 'cors', destination: 'script' }
  const found = answer(asked, origin, [current, previous])
  return typeof found === 'string' ? found : (await store.find(found))?.text()
}

/** The update is not taken, for this reason, and the old app is whole. */
async function expectRefusal(reason: Reason, subject?: string): Promise<void> {
  await updater.check()
  const status = await updater.status()
  expect(status).toMatchObject({ isRefused: true, ready: null, refusal: { reason, at: 5 } })
  if (subject !== undefined) expect(status?.refusal?.subject).toBe(subject)
  await updater.promote()
  expect(await shown('index.html')).toBe('<p>first</p>')
  expect(await shown('assets/app.js')).toBe('first()')
}

describe('the first release', () => {
  it('pins its key and is kept whole', async () => {
    await updater.install()
    server.isDown = true
    expect(await shown('index.html')).toBe('<p>first</p>')
    const status = await updater.status()
    expect(status).toMatchObject({ version: '1.0.0', ready: null, refusal: null, isRefused: false })
    expect(status?.fingerprint).toMatch(/^([0-9a-f]{4} ){7}[0-9a-f]{4}$/)
  })

  it('is not installed with a file that was not signed', async () => {
    server.alter('assets/app.js', 'evil()')
    await expect(updater.install()).rejects.toMatchObject({ reason: 'changed_file' })
    expect(await updater.status()).toBeNull()
  })
})

describe('an update by the pinned key', () => {
  beforeEach(async () => {
    await updater.install()
    await server.publish(key, second, 2_000)
  })

  it('waits, whole, until it is applied', async () => {
    await updater.check()
    expect(await updater.status()).toMatchObject({ ready: '1.0.0', isRefused: false })
    expect(await shown('index.html')).toBe('<p>first</p>')
    server.isDown = true
    await updater.promote()
    expect(await shown('index.html')).toBe('<p>second</p>')
    expect(await updater.status()).toMatchObject({ ready: null })
  })

  it('leaves the app as it is where there is no room to put it into use, until there is', async () => {
    await updater.check()
    caches.isFull = true
    await updater.promote()
    expect(await shown('index.html')).toBe('<p>first</p>')
    caches.isFull = false
    await updater.promote()
    expect(await shown('index.html')).toBe('<p>second</p>')
  })

  it('is not had where there is no room for it, and nothing is said to be wrong with it', async () => {
    caches.isFull = true
    await updater.check()
    expect(await updater.status()).toMatchObject({ ready: null, isRefused: false })
    expect(await shown('index.html')).toBe('<p>first</p>')
  })

  it('fetches only what has changed', async () => {
    server.asked = []
    await updater.check()
    expect(server.asked.sort()).toEqual(['assets/app.js', 'index.html', 'release.json', 'sw.js'])
  })

  it('goes on where a lost network ended it', async () => {
    server.lost = 'index.html'
    await updater.check()
    expect(await updater.status()).toMatchObject({ ready: null, isRefused: false })
    server.lost = ''
    await updater.check()
    expect(await updater.status()).toMatchObject({ ready: '1.0.0' })
  })

  it('that waits can be applied while the network hangs in the next', async () => {
    await updater.check()
    await server.publish(key, { ...second, 'index.html': '<p>third</p>' }, 3_000)
    server.stuck = 'index.html'
    void updater.check()
    await vi.waitFor(() => expect(server.asked.at(-1)).toBe('index.html'))
    await updater.promote()
    expect(await shown('index.html')).toBe('<p>second</p>')
  })

  it('leaves the files of pages that are still open, for one update', async () => {
    await store.read()
    const third = { 'index.html': '<p>third</p>', 'sw.js': 'worker', 'assets/new.js': 'third()' }
    await server.publish(key, third, 3_000)
    await updater.check()
    await updater.promote()
    expect(await shown('assets/app.js')).toBe('first()')
    await server.publish(key, { ...third, 'index.html': '<p>fourth</p>' }, 4_000)
    await updater.check()
    await updater.promote()
    expect(await shown('assets/app.js')).toBe('nothing')
  })
})

describe('an update is refused', () => {
  beforeEach(() => updater.install())

  it('whatever an earlier look says that comes to its end later', async () => {
    server.stuck = 'sw.js'
    const slow = updater.check()
    await vi.waitFor(() => expect(server.asked.at(-1)).toBe('sw.js'))
    server.alter('release.json', '{}')
    await updater.check()
    server.letGo()
    await slow
    expect(await updater.status()).toMatchObject({ isRefused: true })
  })

  it('by another key', async () => {
    await server.publish(newKey(), second, 2_000)
    await expectRefusal('other_key')
  })

  it('with a signature that is of something else', async () => {
    await server.publish(key, second, 2_000)
    const text = server.files.get('release.json') ?? ''
    server.alter('release.json', text.replace('"version":"1.0.0"', '"version":"9.0.0"'))
    await expectRefusal('forged')
  })

  it('without a signature', async () => {
    server.files = new Map(Object.entries(second))
    await expectRefusal('unsigned')
  })

  it('with something else in the place of the manifest', async () => {
    server.alter('release.json', '<p>Welcome to the network of this hotel</p>')
    await expectRefusal('unreadable')
  })

  it('with a changed file', async () => {
    await server.publish(key, second, 2_000)
    server.alter('assets/app.js', 'evil()!!')
    await expectRefusal('changed_file', 'assets/app.js')
  })

  it('with a missing file', async () => {
    await server.publish(key, second, 2_000)
    server.files.delete('assets/app.js')
    await expectRefusal('changed_file', 'assets/app.js')
  })

  it('when it is older than what is here, though well signed', async () => {
    await server.publish(key, second, 999)
    await expectRefusal('older')
  })

  it('when it was signed in the same second as what is here, and is another', async () => {
    await server.publish(key, second, 1_000)
    await expectRefusal('older')
  })

  it('when only the service worker is another', async () => {
    server.alter('sw.js', 'self.skipWaiting()')
    await expectRefusal('changed_worker')
  })

  it('when the browser has no Ed25519', async () => {
    const none = new DOMException('Unrecognized name.', 'NotSupportedError')
    const spy = vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(none)
    await server.publish(key, second, 2_000)
    await expectRefusal('unsupported').finally(() => spy.mockRestore())
  })

  it('and a release that waits is not replaced by an older one', async () => {
    await server.publish(key, second, 3_000)
    await updater.check()
    await server.publish(key, appFiles({ 'index.html': '<p>hole</p>' }), 2_000)
    await updater.check()
    expect(await updater.status()).toMatchObject({ isRefused: true, refusal: { reason: 'older' } })
    await updater.promote()
    expect(await shown('index.html')).toBe('<p>second</p>')
  })

  it('and the same key is still taken afterwards, with the refusal on record', async () => {
    await server.publish(newKey(), second, 2_000)
    await updater.check()
    await server.publish(key, second, 2_001)
    await updater.check()
    expect(await updater.status()).toMatchObject({
      ready: '1.0.0',
      isRefused: false,
      refusal: { reason: 'other_key' },
    })
  })
})

it('does not mistrust a server that cannot be reached', async () => {
  await updater.install()
  server.isDown = true
  await updater.check()
  expect(await updater.status()).toMatchObject({ isRefused: false, refusal: null })
})

it('serves nothing that lies beside the signed files', async () => {
  await updater.install()
  server.alter('assets/extra.js', 'evil()')
  await updater.check()
  expect(await shown('assets/extra.js')).toBe('nothing')
  expect(await updater.status()).toMatchObject({ isRefused: false })
})

it('takes from the server’s headers only those that restrict a page', async () => {
  server.headers = {
    'content-type': 'text/plain',
    'content-security-policy': "default-src 'none'",
    link: '</evil.css>; rel=stylesheet',
    refresh: '0; url=https://evil.test',
  }
  await updater.install()
  const { current } = await store.read()
  const kept = await store.find(current!.files.find(({ path }) => path === 'index.html')!)
  expect(Object.fromEntries(kept!.headers)).toEqual({
    'content-security-policy': "default-src 'none'",
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
  })
})
