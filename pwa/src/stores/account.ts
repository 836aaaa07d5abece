import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { Access } from '../net/access'
import { isLoggedOut } from '../net/errors'
import type { Credentials, Registration, Session, User } from '../protocol/generated'
import { services } from './services'
import { useSettings } from './settings'

/**
 * `unknown`: nobody has asked yet. `remembered`: somebody was logged in here, and the server has
 * not said otherwise. `in`: it has said so. `out`: nobody is.
 */
export type AccountState = 'unknown' | 'remembered' | 'in' | 'out'

export const useAccount = defineStore('account', () => {
  const { api, passkeyApi, authenticator, now, exclusive } = services()
  const settings = useSettings()
  const state = ref<AccountState>('unknown')
  const user = shallowRef<User | null>(null)
  /** The session ended without the person's doing. */
  const ended = ref(false)
  const access = new Access({ api, now, exclusive, onSession })

  function onSession(session: Session): void {
    user.value = session.user
    state.value = 'in'
    ended.value = false
    settings.change({ userName: session.user.name })
  }

  /** On start: whoever was here last is let in at once, and the server asked beside it. */
  async function restore(): Promise<void> {
    if (state.value !== 'unknown') return
    if (settings.userName !== null) {
      state.value = 'remembered'
      return
    }
    try {
      await access.token()
    } catch {
      leave()
    }
  }

  async function register(registration: Registration): Promise<void> {
    access.take(await api.register(registration))
  }

  async function logIn(credentials: Credentials): Promise<void> {
    access.take(await api.logIn(credentials))
  }

  /** @param assertion what the PC's own door gave this tab; good once, for a minute */
  async function logInByHome(assertion: string): Promise<void> {
    access.take(await api.logInByHome({ assertion }))
  }

  async function logInWithPasskey(): Promise<void> {
    if (!authenticator) return
    const assertion = await authenticator.sign(await passkeyApi.beginLogIn())
    access.take(await passkeyApi.logIn(assertion))
  }

  async function logOut(): Promise<void> {
    try {
      await api.logOut()
    } catch (error) {
      if (!isLoggedOut(error)) throw error
    }
    leave()
  }

  /** The server says that the session is over. */
  function end(): void {
    leave(true)
  }

  /** Nobody is logged in here any more, and the server knows. */
  function leave(isEnded = false): void {
    access.drop()
    user.value = null
    ended.value = isEnded
    state.value = 'out'
    settings.change({ userName: null })
  }

  return {
    state,
    ended,
    user,
    name: computed(() => user.value?.name ?? settings.userName ?? ''),
    isIn: computed(() => state.value === 'in' || state.value === 'remembered'),
    restore,
    register,
    logIn,
    logInByHome,
    hasPasskeys: authenticator !== null,
    logInWithPasskey,
    logOut,
    leave: () => {
      leave()
    },
    end,
    token: () => access.token(),
    distrust: (token: string) => {
      access.distrust(token)
    },
  }
})
