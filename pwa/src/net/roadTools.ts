/** What the network page does with the roads. Downloaded with that page. */
import type { LanTicket } from '../protocol/generated'
import { type Check, checkRoads, type LineResult, type RoadLine } from './check'
import type { Clock } from './clock'
import { ticketDial } from './lan'
import type { PeerOptions } from './peerCall'
import { RelayServers } from './relayAccess'
import type { DirectDial } from './road'
import { sweep, type Sweep, withAddress } from './sweep'

/** Of this device and its person, as it is when it is asked for. */
export interface RoadNeeds {
  ticket: () => LanTicket | null
  keepTicket: (ticket: LanTicket) => Promise<void>
  /** Whether the VDS shows the PC. */
  isHomeInSight: (signal: AbortSignal) => Promise<boolean>
  token: () => Promise<string>
}

export interface RoadParts extends PeerOptions {
  fetch: typeof globalThis.fetch
  clock: Clock
  /** With no server between, by the ticket, and on the PC itself by its door. */
  directDial: (ticket: () => Promise<LanTicket | null>) => DirectDial
  isOnPc: boolean
}

export interface RoadTools {
  /** Tries every road once and tells of each as soon as it is known. */
  check(heard: (line: RoadLine, result: LineResult) => void): Check
  /** The PC's addresses as it told them last; none where it never did. */
  addresses(): readonly string[]
  /** Looks for the PC at every address of a network. @param network as `192.168.1` */
  sweep(network: string, progressed: (done: number, total: number) => void): Sweep
}

export function makeRoadTools(parts: RoadParts, needs: RoadNeeds): RoadTools {
  const servers = new RelayServers({ ...parts, token: needs.token })

  function direct(): DirectDial | null {
    const ticket = needs.ticket()
    return parts.isOnPc || ticket ? parts.directDial(() => Promise.resolve(ticket)) : null
  }

  return {
    check: (heard) =>
      checkRoads({
        ...parts,
        direct: direct(),
        isHomeInSight: needs.isHomeInSight,
        access: () => servers.access(),
        onResult: knowingTheServer(heard),
      }),

    addresses: () => needs.ticket()?.addresses ?? [],

    sweep(network, onProgress) {
      const ticket = needs.ticket()
      if (!ticket) return { found: Promise.resolve(null), stop: () => undefined }
      const running = sweep({ ticket, network, onProgress, dial: ticketDial(parts), clock: parts.clock })
      const found = running.found.then(async (address) => {
        if (address !== null) await needs.keepTicket(withAddress(ticket, address))
        return address
      })
      return { found, stop: () => running.stop() }
    },
  }
}

/** A server that does not answer does not say 'the PC is off': such a no waits for the server's own. */
function knowingTheServer(
  heard: (line: RoadLine, result: LineResult) => void,
): (line: RoadLine, result: LineResult) => void {
  let isAway = false
  return (line, result) => {
    if (line === 'pc' && result.state === 'no') {
      isAway = true
      return
    }
    heard(line, result)
    if (line === 'vds' && isAway) heard('pc', { state: result.state === 'ok' ? 'no' : 'unknown' })
  }
}
