import { describe, expect, it } from 'vitest'
import { signManifest } from '../../build/release/sign'
import { appFiles, manifestOf, newKey } from '../../tests/support/releases'
import { readRelease, signedBytes, writeRelease } from './manifest'
import { verifySignature } from './verify'

const zeros = '0'.repeat(64)
const key = newKey()

const written = async () => writeRelease(signManifest(await manifestOf(appFiles()), key))

it('comes back from its file as it was signed', async () => {
  const release = readRelease(await written())
  expect(release.manifest).toEqual(await manifestOf(appFiles()))
  await expect(verifySignature(release)).resolves.toBeUndefined()
})

it('signs bytes that may never change, or every device refuses every update', () => {
  const manifest = {
    version: '1.2.3',
    issued: 7,
    files: [{ path: 'index.html', sha256: zeros, size: 5 }],
  }
  expect(new TextDecoder().decode(signedBytes(manifest))).toBe(
    `{"files":[{"path":"index.html","sha256":"${zeros}","size":5}],` +
      '"format":"hearth-release-1","issued":7,"version":"1.2.3"}',
  )
})

describe('a flipped bit', () => {
  const flips: [string, (text: string) => string][] = [
    ['in the key', (text) => text.replace(/"key":"(.)/, (_, c: string) => `"key":"${c === '0' ? '1' : '0'}`)],
    ['in the signature', (text) => text.replace(/(.)"}\n$/, (_, c: string) => `${c === '0' ? '1' : '0'}"}\n`)],
    ['in a path', (text) => text.replace('assets/app.js', 'assets/apq.js')],
    ['in a hash', (text) => text.replace(/"sha256":"(.)/, (_, c: string) => `"sha256":"${c === '0' ? '1' : '0'}`)],
    ['in a size', (text) => text.replace('"size":7', '"size":6')],
    ['in the time', (text) => text.replace('"issued":1000', '"issued":1001')],
    ['in the version', (text) => text.replace('1.0.0', '1.0.1')],
  ]
  for (const [where, flip] of flips) {
    it(`${where} makes the signature false`, async () => {
      const text = await written()
      expect(flip(text)).not.toBe(text)
      await expect(verifySignature(readRelease(flip(text)))).rejects.toMatchObject({ reason: 'forged' })
    })
  }
})

describe('is unreadable', () => {
  const spoiled: [string, (text: string) => string][] = [
    ['when it is not JSON', (text) => text.slice(1)],
    ['when it is endless', (text) => text + ' '.repeat(300_000)],
    ['in another format', (text) => text.replace('hearth-release-1', 'hearth-release-2')],
    ['with a path out of the app', (text) => text.replace('assets/app.js', '../app.js')],
    ['with an absolute path', (text) => text.replace('assets/app.js', '/app.js')],
    ['with a path twice', (text) => text.replace('assets/app.js', 'index.html')],
    ['without a page', (text) => text.replace('index.html', 'other.html')],
    ['with a size below nothing', (text) => text.replace('"size":7', '"size":-7')],
    ['with a time that is no number', (text) => text.replace('"issued":1000', '"issued":"1000"')],
    ['with a key of another length', (text) => text.replace('"key":"', '"key":"00')],
  ]
  for (const [how, spoil] of spoiled) {
    it(how, async () => {
      const text = await written()
      expect(spoil(text)).not.toBe(text)
      expect(() => readRelease(spoil(text))).toThrow('unreadable')
    })
  }
})
