import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { Status } from '../release/status'
import { services } from './services'

/** Which release of the app this is, who signed it, and what became of the last update. */
export const useRelease = defineStore('release', () => {
  const { releaseWorker } = services()
  /** Undefined until the service worker has answered; null where there is none. */
  const status = shallowRef<Status | null>()
  const isReplaced = ref(false)

  function start(): void {
    releaseWorker
      .start({
        status: (heard) => (status.value = heard ?? status.value ?? null),
        replaced: () => (isReplaced.value = true),
      })
      // A browser may refuse workers, as private windows do: then there is nothing to say.
      .catch(() => (status.value = null))
  }

  return { status, isReplaced, start, apply: () => void releaseWorker.apply() }
})
