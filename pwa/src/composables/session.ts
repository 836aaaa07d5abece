import { computed, type ComputedRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useAccount } from '../stores/account'
import { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'

/** Connects while somebody is logged in, and sends whoever is not to where they can be. */
export function useSession(): { isIn: ComputedRef<boolean> } {
  const account = useAccount()
  const connection = useConnection()
  const chats = useChats()
  const router = useRouter()
  const route = useRoute()
  const isIn = computed(() => account.isIn)

  watch(
    isIn,
    (now, before) => {
      if (now) {
        connection.start()
      } else if (before) {
        connection.stop()
        chats.reset()
        void router.replace({ name: 'login' })
      }
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
