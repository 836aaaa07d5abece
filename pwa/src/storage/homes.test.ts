import { IDBFactory } from 'fake-indexeddb'
import { expect, it } from 'vitest'
import { ticket } from '../../tests/support/ticket'
import { keyId } from '../trust/transcript'
import { read, withDatabase } from './deviceDatabase'
import { deviceKeyStorage } from './deviceKey'
import { homesStorage } from './homes'

const homesIn = (factory: IDBFactory) => homesStorage(() => factory)
const key = (seed: number) => new Uint8Array(32).fill(seed)
const attic = { publicKey: key(1), name: 'attic', pairedAt: 20, lan: ticket }
const cellar = { publicKey: key(2), name: 'cellar', pairedAt: 10, lan: null }

it('keeps homes with their whole keys, the oldest first', async () => {
  const factory = new IDBFactory()
  const kept = await homesStorage(() => factory).pin(attic)
  await homesStorage(() => factory).pin(cellar)
  expect(kept).toEqual({ ...attic, id: await keyId(attic.publicKey) })
  const all = await homesStorage(() => factory).all()
  expect(all).toEqual([{ ...cellar, id: await keyId(cellar.publicKey) }, kept])
})

it('keeps one entry for a home that is paired again', async () => {
  const homes = homesIn(new IDBFactory())
  await homes.pin(attic)
  const again = await homes.pin({ ...attic, name: 'loft', pairedAt: 30, lan: null })
  expect(await homes.all()).toEqual([again])
})

it('learns how a home is dialed, and never another key', async () => {
  const factory = new IDBFactory()
  const homes = homesStorage(() => factory)
  const kept = await homes.pin(attic)
  const id = kept?.id ?? ''
  const news = { lan: { ...ticket, port: 4242 }, publicKey: key(9), id: 'x', pairedAt: 0 }
  await homes.update(id, news)
  expect(await homes.all()).toEqual([{ ...kept, lan: news.lan }])
  await homes.update(id, { name: 'loft' })
  expect(await homes.all()).toEqual([{ ...kept, name: 'loft', lan: news.lan }])
})

it('keeps every home, key and certificate of the version before tickets', async () => {
  const factory = new IDBFactory()
  const id = await keyId(attic.publicKey)
  const { publicKey, name, pairedAt } = attic
  const old = { id, publicKey, name, pairedAt, addresses: [] }
  await new Promise<void>((resolve) => {
    const request = factory.open('hearth.device', 2)
    request.onupgradeneeded = () => {
      for (const store of ['keys', 'certificates', 'homes']) request.result.createObjectStore(store)
    }
    request.onsuccess = () => {
      const writing = request.result.transaction(['keys', 'homes'], 'readwrite')
      writing.objectStore('homes').put(old, id)
      writing.objectStore('keys').put('as it was', 'another')
      writing.oncomplete = () => {
        request.result.close()
        resolve()
      }
    }
  })
  const homes = homesIn(factory)
  expect(await homes.all()).toEqual([{ ...attic, id, lan: null }])
  await homes.update(id, { lan: ticket })
  expect(await homesIn(factory).all()).toEqual([{ ...attic, id }])
  const key = await withDatabase(factory, (opened) => read(opened, 'keys', 'another'))
  expect(key).toBe('as it was')
})

it('learns nothing about a home that is not pinned', async () => {
  const homes = homesIn(new IDBFactory())
  expect(await homes.update(await keyId(attic.publicKey), { name: 'loft' })).toBe(true)
  expect(await homes.all()).toEqual([])
})

it('forgets the one home that a person removes', async () => {
  const factory = new IDBFactory()
  const homes = homesStorage(() => factory)
  const device = await deviceKeyStorage(() => factory).load()
  const kept = await homes.pin(attic)
  const other = await homes.pin(cellar)
  await homes.unpin(kept?.id ?? '')
  expect(await homes.all()).toEqual([other])
  const still = await deviceKeyStorage(() => factory).load()
  expect(still?.publicKey).toEqual(device?.publicKey)
})

it('tells nothing kept from nothing there', async () => {
  const refused = homesStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  expect(await refused.all()).toBeNull()
  expect(await refused.pin(attic)).toBeNull()
  expect(await refused.update('x', { name: 'y' })).toBe(false)
  expect(await refused.unpin('x')).toBe(false)
  expect(await homesStorage(() => new IDBFactory()).all()).toEqual([])
})
