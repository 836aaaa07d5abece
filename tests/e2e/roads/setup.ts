/** Before the first test: whether hosts can be made at all, and those of dead runs are removed. */
import { removeLeftovers, removeRun, whyNoHosts } from './hosts.ts'

export default function setup(): () => void {
  const why = whyNoHosts()
  if (why !== null) throw new Error(why)
  removeLeftovers()
  // The workers are children of this process and get its environment.
  process.env.HEARTH_ROADS_RUN = String(process.pid)
  return () => {
    removeRun(process.pid)
  }
}
