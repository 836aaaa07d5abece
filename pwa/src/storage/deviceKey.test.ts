import { IDBFactory } from 'fake-indexeddb'
import { expect, it } from 'vitest'
import { sign, verify } from '../trust/keys'
import { deviceKeyStorage } from './deviceKey'

const text = new TextEncoder().encode('a transcript')

async function loaded(factory: IDBFactory) {
  const key = await deviceKeyStorage(() => factory).load()
  if (!key) throw new Error('no key')
  return key
}

it('is the same key at the next visit, and still signs', async () => {
  const factory = new IDBFactory()
  const first = await loaded(factory)
  const again = await loaded(factory)
  expect(again.publicKey).toEqual(first.publicKey)
  expect(await verify(first.publicKey, await sign(again, text), text)).toBe(true)
})

it('cannot be read out', async () => {
  const { privateKey } = await loaded(new IDBFactory())
  expect(privateKey.extractable).toBe(false)
  await expect(crypto.subtle.exportKey('pkcs8', privateKey)).rejects.toThrow()
})

it('is one key for two tabs that begin at once', async () => {
  const factory = new IDBFactory()
  const tabs = await Promise.all([loaded(factory), loaded(factory), loaded(factory)])
  const later = await loaded(factory)
  for (const { publicKey } of tabs) expect(publicKey).toEqual(later.publicKey)
})

it('is another key in another browser', async () => {
  const [one, other] = [await loaded(new IDBFactory()), await loaded(new IDBFactory())]
  expect(one.publicKey).not.toEqual(other.publicKey)
})

it('outlives the version that kept nothing else', async () => {
  const factory = new IDBFactory()
  const kept = await loaded(new IDBFactory())
  await new Promise<void>((resolve, reject) => {
    const request = factory.open('hearth.device', 1)
    request.onerror = () => reject(new Error('not opened'))
    request.onupgradeneeded = () => request.result.createObjectStore('keys').put(kept, 'device')
    request.onsuccess = () => {
      request.result.close()
      resolve()
    }
  })
  expect((await loaded(factory)).publicKey).toEqual(kept.publicKey)
})

it('is none where the browser keeps nothing', async () => {
  const refused = deviceKeyStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  expect(await refused.load()).toBeNull()
})
