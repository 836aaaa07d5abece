import { computed, type ComputedRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useAccount } from '../stores/account'
import { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'
import { useDrafts } from '../stores/drafts'
import { useHomes } from '../stores/homes'
import { useSearch } from '../stores/search'

/**
 * Connects while somebody is logged in and a home is pinned, and sends whoever is not logged in to
 * where they can be. To log out is between the person and the VDS: the home stays pinned.
 */
export function useSession(): { isIn: ComputedRef<boolean> } {
  const account = useAccount()
  const connection = useConnection()
  const chats = useChats()
  const drafts = useDrafts()
  const homes = useHomes()
  const search = useSearch()
  const router = useRouter()
  const route = useRoute()
  const isIn = computed(() => account.isIn)

  watch(
    isIn,
    (now, before) => {
      if (now) {
        void homes.load()
      } else if (before) {
        search.close()
        // Who logs out leaves nothing here; whose session ended comes back to it.
        if (!account.ended) {
          drafts.forget()
          void chats.forget()
        }
        void router.replace({ name: 'login' })
      }
    },
    { immediate: true, flush: 'sync' },
  )
  // Another home, or another person of the same, has other chats. They are shown with no connection.
  watch(
    () => (isIn.value && homes.home ? `${homes.home.id} ${String(homes.home.pairedAt)}` : null),
    (now) => {
      if (now !== null && homes.home) {
        drafts.begin(homes.home)
        void chats.begin(homes.home)
      } else {
        drafts.end()
        chats.reset()
      }
    },
    { immediate: true, flush: 'sync' },
  )
  const isWanted = computed(() => isIn.value && homes.state === 'paired')
  watch(
    isWanted,
    async (now, before) => {
      if (!now) return before ? connection.stop() : undefined
      // Who knows what is here asks only for the rest.
      await chats.opened()
      if (isWanted.value) connection.start()
    },
    { immediate: true, flush: 'sync' },
  )
  watch(isIn, (now) => {
    if (!now || route.meta.forStrangers !== true) return
    const { next } = route.query
    // Only a path of ours: a link from outside may not choose where a log-in leads.
    const path = typeof next === 'string' && /^\/(?!\/)/.test(next) ? next : '/'
    void router.replace(path)
  })
  return { isIn }
}
