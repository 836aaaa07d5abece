/** What the stores need from outside, handed in once, so that tests can hand in their own. */
import type { MakeId } from '../chat/commands'
import type { Exclusive } from '../net/access'
import type { AccountApi } from '../net/accountApi'
import type { Api } from '../net/api'
import type { Authenticator } from '../net/authenticator'
import type { Clock } from '../net/clock'
import type { LinkOptions, MakeLink } from '../net/link'
import type { LocalHome } from '../net/localHome'
import type { LocalNetwork } from '../net/localNetwork'
import type { PasskeyApi } from '../net/passkeyApi'
import type { ReleaseWorker } from '../net/releaseWorker'
import type { RoadNeeds, RoadTools } from '../net/roadTools'
import type { Witness } from '../net/witness'
import type { LanTicket } from '../protocol/generated'
import type { SearchClient } from '../search/client'
import type { DeviceKeyStorage } from '../storage/deviceKey'
import type { DraftStorage } from '../storage/drafts'
import type { HomesStorage } from '../storage/homes'
import type { SettingsStorage } from '../storage/settings'
import type { TabStorage } from '../storage/tab'
import type { ChatSync } from '../sync/browser'
import type { Bytes } from '../trust/bytes'

/** What the link asks the stores for. */
export type LinkNeeds = Pick<LinkOptions, 'token' | 'distrust' | 'open' | 'hello'> & {
  /** How the PC is dialed with no server between; null where it has not said so. */
  ticket: () => Promise<LanTicket | null>
}

export interface Services {
  api: Api
  passkeyApi: PasskeyApi
  accountApi: AccountApi
  /** Null where this browser has no passkeys for this address. */
  authenticator: Authenticator | null
  settings: SettingsStorage
  drafts: DraftStorage
  tab: TabStorage
  localHome: LocalHome
  localNetwork: LocalNetwork
  /** Downloaded by whoever searches: a search through what this device keeps of a home. */
  openSearch: (home: { id: string; pairedAt: number }) => Promise<SearchClient>
  /** Leaves no index of a home's chats in this browser: a search makes a new one. */
  eraseSearch: (home: string) => Promise<void>
  /** Gives the person a file. */
  saveFile: (name: string, content: Blob) => void
  /** Downloaded by the page that is about the network, and by no other. */
  roadTools: (needs: RoadNeeds) => Promise<RoadTools>
  exclusive: Exclusive
  makeLink: (options: LinkNeeds) => MakeLink
  makeId: MakeId
  /** 32 random bytes. */
  makeNonce: () => Bytes
  deviceKeys: DeviceKeyStorage
  homes: HomesStorage
  /** What keeps the chats: downloaded beside the first page, which stands without it. */
  loadSync: () => Promise<ChatSync>
  /** For the PC's list of devices; people can change it there. */
  deviceName: () => string
  /** Asks the browser not to throw away by itself what is kept here. It may say no. */
  keepStorage: () => void
  clock: Clock
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
