import type { RoadName } from '../../src/protocol/generated'
import type { Call, DirectDial } from '../../src/net/road'

export function callOver(road: RoadName | null, hangUp: () => void = () => undefined): Call {
  return { road: () => Promise.resolve(road), hangUp }
}

/** There is no PC in this network. */
export const nowhere: DirectDial = (handlers) => {
  handlers.onFailed()
  return callOver(null)
}
