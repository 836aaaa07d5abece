import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { Passkey } from '../protocol/generated'
import { useAccount } from './account'
import { services } from './services'

/** The passkeys of whoever is logged in. */
export const usePasskeys = defineStore('passkeys', () => {
  const { passkeyApi, authenticator } = services()
  const account = useAccount()
  /** Null until the server has said. */
  const all = shallowRef<Passkey[] | null>(null)

  async function load(): Promise<void> {
    all.value = await passkeyApi.list(await account.token())
  }

  async function add(name: string): Promise<void> {
    if (!authenticator) return
    const made = await authenticator.make(await passkeyApi.beginMaking(await account.token()))
    // A person may have taken their time: the token of the beginning can be over.
    await passkeyApi.make(await account.token(), { ...made, name })
    await load()
  }

  async function remove(id: string): Promise<void> {
    await passkeyApi.remove(await account.token(), id)
    await load()
  }

  return { isAvailable: authenticator !== null, all, load, add, remove }
})
