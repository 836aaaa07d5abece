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
  return () =>
    roadTools({
      ticket: () => homes.home?.lan ?? null,
      keepTicket: homes.keepTicket,
      isHomeInSight: () => connection.isHomeInSight,
      token: account.token,
    })
}
