import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type { AccountNotice } from '../protocol/generated'
import { useAccount } from './account'
import { services } from './services'

/** What happened to the account: asked for whenever somebody is let in. */
export const useAccountNotices = defineStore('accountNotices', () => {
  const { accountApi } = services()
  const account = useAccount()
  const all = shallowRef<AccountNotice[]>([])

  async function load(): Promise<void> {
    all.value = await accountApi.notices(await account.token())
  }

  /** Not told again in this browser; the list keeps them. */
  async function dismiss(): Promise<void> {
    all.value = all.value.map((notice) => ({ ...notice, is_new: false }))
    await accountApi.seeNotices(await account.token())
  }

  watch(
    () => account.state,
    (state) => {
      if (state === 'out') all.value = []
      // Who cannot be told now is told the next time: there is nothing to say about that.
      if (state === 'in') load().catch(() => undefined)
    },
    { immediate: true },
  )

  return { all, fresh: computed(() => all.value.filter(({ is_new }) => is_new)), load, dismiss }
})
