import { computed, type ComputedRef, onUnmounted, ref } from 'vue'
import type { LocalNetworkState } from '../net/localNetwork'
import { useConnection } from '../stores/connection'
import { services } from '../stores/services'
import { useSettings } from '../stores/settings'

export interface LocalNetworkPermission {
  /** What the person has to know; null: nothing. */
  need: ComputedRef<'prompt' | 'denied' | null>
  /** The person has read it. */
  goOn: () => void
}

/** The browser's permission to reach the local network, as it is now. */
export function useLocalNetwork(): LocalNetworkPermission {
  const { localNetwork } = services()
  const settings = useSettings()
  const connection = useConnection()
  const state = ref<LocalNetworkState>('free')
  const need = computed(() => {
    if (state.value === 'free') return null
    return state.value === 'prompt' && settings.localNetworkTold ? null : state.value
  })

  function goOn(): void {
    settings.change({ localNetworkTold: true })
    connection.retryNow()
  }

  onUnmounted(localNetwork.follow((now) => (state.value = now)))
  return { need, goOn }
}
