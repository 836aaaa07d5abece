import { IDBFactory } from 'fake-indexeddb'
import { expect, it } from 'vitest'
import { certificateStorage, marginMs } from './certificate'

const life = 30 * 86_400_000

/** A browser whose certificates are numbered and live as long as browsers like. */
function browser(factory = new IDBFactory()) {
  const state = { now: 1_000, made: 0 }
  const make = () => Promise.resolve({ expires: state.now + life, number: ++state.made })
  const storage = certificateStorage(() => factory, make, () => state.now)
  const number = async () => (await storage.load())?.number
  return { state, number, storage }
}

it('is kept while it is good, and made anew before it expires', async () => {
  const { state, number } = browser()
  expect(await number()).toBe(1)
  state.now += life - marginMs - 1
  expect(await number()).toBe(1)
  state.now += 1
  expect(await number()).toBe(2)
  expect(await number()).toBe(2)
})

it('is one for tabs that begin at once', async () => {
  const { number } = browser()
  const tabs = await Promise.all([number(), number(), number()])
  expect(new Set([...tabs, await number()]).size).toBe(1)
})

it('is used unkept where the browser cannot copy it', async () => {
  let made = 0
  const make = () => Promise.resolve({ expires: life, number: ++made, getFingerprints: () => [] })
  const storage = certificateStorage(() => new IDBFactory(), make, () => 0)
  expect((await storage.load())?.number).toBe(1)
  expect(made).toBe(1)
})

it('is used unkept where nothing is kept', async () => {
  const refused = () => {
    throw new DOMException('denied', 'SecurityError')
  }
  const storage = certificateStorage(refused, () => Promise.resolve({ expires: life }))
  expect(await storage.load()).toEqual({ expires: life })
})

it('is left to the browser where none can be made', async () => {
  const make = () => Promise.reject(new DOMException('', 'NotSupportedError'))
  expect(await certificateStorage(() => new IDBFactory(), make).load()).toBeNull()
})
