/** This device's key, kept in IndexedDB: the browser uses it for us, and shows it to nobody. */
import { type DeviceKey, makeDeviceKey } from '../trust/keys'

export interface DeviceKeyStorage {
  /** The kept key, made when there is none. Null where the browser keeps nothing: no pairing here. */
  load(): Promise<DeviceKey | null>
}

const database = 'hearth.device'
const store = 'keys'
const name = 'device'

export function deviceKeyStorage(factory: () => IDBFactory): DeviceKeyStorage {
  return {
    async load() {
      try {
        const opened = await open(factory())
        try {
          return (await kept(opened)) ?? (await keepFirst(opened, await makeDeviceKey()))
        } finally {
          opened.close()
        }
      } catch {
        return null
      }
    },
  }
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(database, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(store)
  return result(request)
}

function kept(opened: IDBDatabase): Promise<DeviceKey | undefined> {
  return result<DeviceKey | undefined>(opened.transaction(store).objectStore(store).get(name))
}

/** Another tab may have made one meanwhile: whichever was written first is the device's. */
async function keepFirst(opened: IDBDatabase, made: DeviceKey): Promise<DeviceKey> {
  const transaction = opened.transaction(store, 'readwrite')
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new DOMException('', 'AbortError'))
  })
  const keys = transaction.objectStore(store)
  const there = await result<DeviceKey | undefined>(keys.get(name))
  if (!there) keys.put(made, name)
  await done
  return there ?? made
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new DOMException('', 'UnknownError'))
  })
}
