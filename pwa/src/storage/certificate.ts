/**
 * This device's DTLS certificate, kept in IndexedDB from visit to visit.
 *
 * Nobody pins it: each connection's transcript has the fingerprint of the day, signed with the
 * device's key. So a new one, before the old one expires or where the browser keeps none, is no
 * event, and to have one only saves making it.
 */
import { change, read, withDatabase } from './deviceDatabase'

export interface CertificateStorage<T = RTCCertificate> {
  /** The kept one, or a new one. Null: the browser makes one by itself for each connection. */
  load(): Promise<T | null>
}

/** What of a certificate matters here. */
export type Expiring = Pick<RTCCertificate, 'expires'>

const day = 86_400_000
/** The longest that browsers give. */
const lifeMs = 365 * day
/** A certificate with less than this left is made anew. */
export const marginMs = 7 * day

const name = 'dtls'

/** ECDSA P-256, valid for a year where the browser agrees. */
export function makeCertificate(): Promise<RTCCertificate> {
  const wanted = { name: 'ECDSA', namedCurve: 'P-256', expires: lifeMs }
  return RTCPeerConnection.generateCertificate(wanted)
}

export function certificateStorage<T extends Expiring = RTCCertificate>(
  factory: () => IDBFactory,
  make: () => Promise<T>,
  nowMs: () => number = Date.now,
): CertificateStorage<T> {
  const isGood = (kept: T | undefined) => kept !== undefined && kept.expires - nowMs() > marginMs

  return {
    async load() {
      let made: T | null = null
      try {
        return await withDatabase(factory(), async (opened) => {
          const kept = await read<T>(opened, 'certificates', name)
          if (kept && isGood(kept)) return kept
          const fresh = (made = await make())
          const unlessGood = (there?: T) => (isGood(there) ? undefined : fresh)
          return (await change(opened, 'certificates', name, unlessGood)) ?? fresh
        })
      } catch {
        return made ?? make().catch(() => null)
      }
    },
  }
}
