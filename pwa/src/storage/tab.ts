/** What one tab keeps until it is closed, through reloads and a log-in. */
import { type Invitation, readFragment } from '../trust/invitation'

export interface KeptInvitation extends Invitation {
  /** It came from the PC's own door, so nobody is asked. */
  readonly automatic: boolean
}

/** `away`: this tab went to the PC's own door. `back`: it has been there, and never goes again. */
export type Trip = 'away' | 'back'

export interface TabStorage {
  invitation(): KeptInvitation | null
  keepInvitation(invitation: KeptInvitation | null): void
  trip(): Trip | null
  /** Whether it was kept: who cannot remember a trip must not begin one. */
  keepTrip(trip: Trip): boolean
}

const invitationKey = 'hearth.invitation'
const tripKey = 'hearth.trip'

/** Storage may be refused, by settings or in private windows: then nothing is kept. */
export function tabStorage(storage: () => Storage): TabStorage {
  function read(key: string): string | null {
    try {
      return storage().getItem(key)
    } catch {
      return null
    }
  }

  function write(key: string, value: string | null): boolean {
    try {
      if (value === null) storage().removeItem(key)
      else storage().setItem(key, value)
      return true
    } catch {
      return false
    }
  }

  return {
    invitation: () => parse(read(invitationKey)),
    keepInvitation: (invitation) => void write(invitationKey, invitation && format(invitation)),
    trip: () => {
      const trip = read(tripKey)
      return trip === 'away' || trip === 'back' ? trip : null
    },
    keepTrip: (trip) => write(tripKey, trip),
  }
}

/** The fragment as it was in the link, with a mark before it where it came by itself. */
function format({ secret, homeId, automatic }: KeptInvitation): string {
  return `${automatic ? '!' : ''}#${homeId === null ? '' : `${homeId}.`}${secret}`
}

function parse(text: string | null): KeptInvitation | null {
  const invitation = readFragment(text?.replace(/^!/, '') ?? '')
  return invitation && { ...invitation, automatic: text?.startsWith('!') ?? false }
}
