import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type { Account, Proof } from '../protocol/generated'
import { useAccount } from './account'
import { services } from './services'

/** How the account of whoever is logged in is opened, and where it is open. */
export const useOwnAccount = defineStore('ownAccount', () => {
  const { accountApi, authenticator } = services()
  const account = useAccount()
  /** Null until the server has said. */
  const about = shallowRef<Account | null>(null)

  watch(
    () => account.isIn,
    () => (about.value = null),
  )

  async function load(): Promise<void> {
    about.value = await accountApi.show(await account.token())
  }

  async function endSession(id: string): Promise<void> {
    await accountApi.endSession(await account.token(), id)
    await load()
  }

  async function endOthers(): Promise<void> {
    await accountApi.endOthers(await account.token())
    await load()
  }

  /**
   * Has a passkey of the person sign that it is still them.
   *
   * @throws {PasskeyFailed} they chose none.
   */
  async function signProof(): Promise<Proof> {
    if (!authenticator) throw new Error('There are no passkeys here.')
    const wanted = await accountApi.beginProof(await account.token())
    return { passkey: await authenticator.sign(wanted) }
  }

  async function prove(proof: Proof): Promise<void> {
    await accountApi.prove(await account.token(), proof)
  }

  async function changePassword(password: string, proof: Proof): Promise<void> {
    await accountApi.changePassword(await account.token(), { password, proof })
    await load()
  }

  async function dropPassword(): Promise<void> {
    await accountApi.dropPassword(await account.token())
    await load()
  }

  async function remove(proof: Proof): Promise<void> {
    await accountApi.delete(await account.token(), proof)
    account.leave()
  }

  return {
    about,
    /** Until the server has said otherwise, as it is for most. */
    hasPassword: computed(() => about.value?.has_password ?? true),
    canSign: authenticator !== null,
    load,
    endSession,
    endOthers,
    signProof,
    prove,
    changePassword,
    dropPassword,
    remove,
  }
})
