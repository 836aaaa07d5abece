/** What the stores need from outside, handed in once, so that tests can hand in their own. */
import type { MakeId } from '../chat/commands'
import type { Exclusive } from '../net/access'
import type { AccountApi } from '../net/accountApi'
import type { Api } from '../net/api'
import type { Authenticator } from '../net/authenticator'
import type { LinkOptions, MakeLink } from '../net/link'
import type { PasskeyApi } from '../net/passkeyApi'
import type { ReleaseWorker } from '../net/releaseWorker'
import type { Witness } from '../net/witness'
import type { SettingsStorage } from '../storage/settings'

export interface Services {
  api: Api
  passkeyApi: PasskeyApi
  accountApi: AccountApi
  /** Null where this browser has no passkeys for this address. */
  authenticator: Authenticator | null
  settings: SettingsStorage
  exclusive: Exclusive
  makeLink: (options: Pick<LinkOptions, 'token' | 'distrust' | 'hello'>) => MakeLink
  makeId: MakeId
  now: () => number
  /** Calls before the next paint; not at all while nobody looks. */
  nextFrame: (action: () => void) => void
  /** Calls when a connection may have died or may be had again. Gives what ends it. */
  onWake: (wake: () => void) => () => void
  isOnline: () => boolean
  /** Records what the VDS saw. */
  witness: Witness
  releaseWorker: ReleaseWorker
}

let given: Services | null = null

export function provideServices(services: Services): void {
  given = services
}

export function services(): Services {
  if (!given) throw new Error('provideServices comes before the first store.')
  return given
}
