/** The real world, for the stores. */
import { uuidv7 } from './chat/ids'
import { deviceName } from './composables/deviceName'
import { saveFile } from './composables/saveFile'
import { acrossTabs } from './net/access'
import { createAccountApi } from './net/accountApi'
import { createApi } from './net/api'
import { browserAuthenticator } from './net/authenticator'
import { realClock } from './net/clock'
import { inTurn } from './net/direct'
import { lanDial } from './net/lan'
import { makeLink } from './net/link'
import { localDial } from './net/local'
import { createLocalHome, isLoopback } from './net/localHome'
import { localNetwork } from './net/localNetwork'
import { openSignaling } from './net/openSignaling'
import { createPasskeyApi } from './net/passkeyApi'
import type { PeerOptions } from './net/peerCall'
import { RelayServers } from './net/relayAccess'
import { releaseWorker } from './net/releaseWorker'
import type { DirectDial } from './net/road'
import { signaledDial } from './net/signaled'
import { onWake } from './net/wake'
import { Witness } from './net/witness'
import type { LanTicket } from './protocol/generated'
import { browserBroadcast } from './storage/broadcast'
import { certificateStorage, makeCertificate } from './storage/certificate'
import { deviceKeyStorage } from './storage/deviceKey'
import { draftStorage } from './storage/drafts'
import { homesStorage } from './storage/homes'
import { settingsStorage } from './storage/settings'
import { tabStorage } from './storage/tab'
import type { Services } from './stores/services'
import { NONCE_BYTES } from './trust/transcript'

const certificates = certificateStorage(() => indexedDB, makeCertificate)
const peerOptions: PeerOptions = {
  certificate: () => certificates.load(),
  makePeer: (configuration) => new RTCPeerConnection(configuration),
}

const settings = settingsStorage(() => localStorage)
const openSocket = openSignaling({
  makeSocket: () => {
    const address = new URL('/api/signaling', location.href)
    address.protocol = address.protocol.replace('http', 'ws')
    return new WebSocket(address)
  },
  makePolling: async (onSeated) => {
    const { PollingSocket } = await import('./net/polling')
    return new PollingSocket({ fetch: (...request) => fetch(...request), clock: realClock, onSeated })
  },
  clock: realClock,
})

const localHome = createLocalHome((...request) => fetch(...request), {
  hostname: location.hostname,
  assign: (address) => {
    location.assign(address)
  },
})

const witness = new Witness(() => Date.now())
const seenFetch = witness.watch((...request) => fetch(...request))

export const realServices: Services = {
  api: createApi(seenFetch),
  passkeyApi: createPasskeyApi(seenFetch),
  accountApi: createAccountApi(seenFetch),
  authenticator: browserAuthenticator(window),
  settings,
  drafts: draftStorage(() => localStorage),
  tab: tabStorage(() => sessionStorage),
  localHome,
  localNetwork: localNetwork({
    permissions: navigator.permissions,
    hostname: location.hostname,
  }),
  openSearch: async (home) => (await import('./search/openSearch')).openSearch(home),
  eraseSearch: async (home) => {
    const { eraseIndex, indexName } = await import('./search/kept')
    await eraseIndex(indexedDB, indexName(home))
  },
  saveFile,
  roadTools: async (needs) => {
    const { makeRoadTools } = await import('./net/roadTools')
    const isOnPc = isLoopback(location.hostname)
    const parts = { ...peerOptions, fetch: seenFetch, clock: realClock, directDial, isOnPc }
    return makeRoadTools(parts, needs)
  },
  exclusive: acrossTabs,
  makeLink: ({ ticket, ...options }) => {
    const relay = new RelayServers({ fetch: seenFetch, token: options.token, clock: realClock })
    return makeLink({
      ...options,
      clock: realClock,
      dials: {
        direct: directDial(ticket),
        signaled: signaledDial({ ...peerOptions, iceServers: () => relay.iceServers() }),
      },
      openSocket,
      onFrame: witness.frame,
      onReady: () => void relay.keep(),
      onStop: () => {
        relay.forget()
      },
    })
  },
  makeId: () => uuidv7(Date.now(), (bytes) => crypto.getRandomValues(bytes)),
  makeNonce: () => crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
  deviceKeys: deviceKeyStorage(() => indexedDB),
  homes: homesStorage(
    () => indexedDB,
    () => browserBroadcast('hearth.homes'),
  ),
  loadSync: async () => (await import('./sync/browser')).browserSync(() => window),
  deviceName: () => deviceName(navigator) || 'Browser',
  keepStorage: () => void navigator.storage?.persist?.().catch(() => undefined),
  clock: realClock,
  now: () => Date.now(),
  nextFrame: (action) => requestAnimationFrame(action),
  onWake: (wake) => {
    const { connection } = navigator as { connection?: EventTarget }
    return onWake({ window, document, network: connection }, wake)
  },
  isOnline: () => navigator.onLine,
  witness,
  releaseWorker: releaseWorker({
    // The development server has no release to check.
    container: import.meta.env.PROD ? navigator.serviceWorker : undefined,
    every: (ms, action) => void setInterval(action, ms),
    reload: () => location.reload(),
  }),
}

/** A page of this very machine may be on the PC itself. */
function directDial(ticket: () => Promise<LanTicket | null>): DirectDial {
  const lan = lanDial({ ...peerOptions, ticket })
  if (!isLoopback(location.hostname)) return lan
  const makeSocket = (address: string) => new WebSocket(address)
  return inTurn(localDial({ door: () => localHome.ask(), makeSocket }), lan)
}
