import { type Ref, ref } from 'vue'
import { registerSW } from 'virtual:pwa-register'

export interface AppUpdate {
  isReady: Ref<boolean>
  apply: () => void
}

/** Installs the service worker, and knows when a newer app is waiting to take over. */
export function useAppUpdate(): AppUpdate {
  const isReady = ref(false)
  const update = registerSW({
    onNeedRefresh: () => (isReady.value = true),
  })
  return { isReady, apply: () => void update(true) }
}
