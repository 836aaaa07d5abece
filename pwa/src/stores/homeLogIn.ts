import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import { isLoopback, logInDoorOf } from '../net/localHome'
import { useAccount } from './account'
import { services } from './services'

/**
 * Logging in on the PC itself, where no account is needed: the PC's own door gives its word, which is
 * good once and for a minute, so that it is kept nowhere but here.
 */
export const useHomeLogIn = defineStore('homeLogIn', () => {
  const { localHome } = services()
  const account = useAccount()
  const assertion = shallowRef<string | null>(null)
  /** The address of the door; null: there is none, or nobody has looked. */
  const door = shallowRef<string | null>(null)
  const isUnderWay = ref(false)

  async function look(): Promise<void> {
    if (!isLoopback(localHome.hostname)) return
    door.value = logInDoorOf(localHome.hostname, await localHome.ask())
  }

  /** Leaves the app, to come back with the PC's word. */
  function go(): void {
    if (door.value !== null) localHome.go(door.value)
  }

  /**
   * Uses what the door gave, if it gave anything.
   *
   * @throws {NetError} the server does not take it.
   */
  async function use(): Promise<void> {
    const word = assertion.value
    if (word === null) return
    assertion.value = null
    isUnderWay.value = true
    try {
      await account.logInByHome(word)
    } finally {
      isUnderWay.value = false
    }
  }

  return { door, isUnderWay, keep: (word: string) => (assertion.value = word), look, go, use }
})
