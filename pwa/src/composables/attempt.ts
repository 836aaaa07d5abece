import { type Ref, ref, type ShallowRef, shallowRef } from 'vue'
import { NetError } from '../net/errors'

type Action = () => Promise<void>

export interface Attempts {
  busy: Ref<boolean>
  failure: Ref<unknown>
  /** What the server wants a proof for; it is attempted again once there is one. */
  unproved: ShallowRef<Action | null>
  /** Runs one action at a time, and gives whether it succeeded. */
  attempt: (action: Action) => Promise<boolean>
}

/** Actions of a section of the settings: one at a time, with a sentence when one fails. */
export function useAttempts(): Attempts {
  const busy = ref(false)
  const failure = ref<unknown>(null)
  const unproved = shallowRef<Action | null>(null)

  async function attempt(action: Action): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    failure.value = null
    try {
      await action()
      return true
    } catch (error) {
      if (error instanceof NetError && error.code === 'reauthentication_needed') {
        unproved.value = action
      } else {
        failure.value = error
      }
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, failure, unproved, attempt }
}
