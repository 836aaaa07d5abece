/** This device's key, kept in IndexedDB: the browser uses it for us, and shows it to nobody. */
import { type DeviceKey, makeDeviceKey } from '../trust/keys'
import { change, read, withDatabase } from './deviceDatabase'

export interface DeviceKeyStorage {
  /** The kept key, made when there is none. Null where the browser keeps nothing: no pairing here. */
  load(): Promise<DeviceKey | null>
}

const name = 'device'

export function deviceKeyStorage(factory: () => IDBFactory): DeviceKeyStorage {
  return {
    async load() {
      try {
        return await withDatabase(factory(), async (opened) => {
          const kept = await read<DeviceKey>(opened, 'keys', name)
          if (kept) return kept
          const made = await makeDeviceKey()
          // Another tab may have made one meanwhile: whichever was written first is the device's.
          const first = (there?: DeviceKey) => (there ? undefined : made)
          return (await change(opened, 'keys', name, first)) ?? null
        })
      } catch {
        return null
      }
    },
  }
}
