import { watch } from 'vue'
import type { RoadTools } from '../net/roadTools'
import { useAccount } from '../stores/account'
import { useConnection } from '../stores/connection'
import { useHomes } from '../stores/homes'
import { services } from '../stores/services'

/** Gets what looks at the network, for this device and its person. */
export function useRoadTools(): () => Promise<RoadTools> {
  const { roadTools } = services()
  const account = useAccount()
  const connection = useConnection()
  const homes = useHomes()

  /** Waits for the server to speak of the PC, as it does a moment after the page was opened. */
  function isHomeInSight(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const stop = watch(
        () => connection.isHomeInSight,
        (isSeen) => {
          if (isSeen) resolve(true)
        },
        { immediate: true },
      )
      signal.addEventListener('abort', () => {
        stop()
        resolve(false)
      })
    })
  }

  return () =>
    roadTools({
      ticket: () => homes.home?.lan ?? null,
      keepTicket: homes.keepTicket,
      isHomeInSight,
      token: account.token,
    })
}
