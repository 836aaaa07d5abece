import { computed, type ComputedRef, onMounted, onUnmounted, ref, watch } from 'vue'
import { doorOf, isLoopback, isWorthAsking } from '../net/localHome'
import { useHomes } from '../stores/homes'
import { useInvitation } from '../stores/invitation'
import { useNotices } from '../stores/notices'
import { type Brought, usePairing } from '../stores/pairing'
import { services } from '../stores/services'
import { useSettings } from '../stores/settings'

/** What the page shows: the ways to begin, a question, or how far it is. */
export type PairStep =
  | 'ways'
  | 'invited'
  | 'door'
  | 'looking'
  | 'pairing'
  | 'comparing'
  | 'waiting'
  | 'unkept'
  | 'attack'

export interface PairingSteps {
  step: ComputedRef<PairStep>
  begin: (invitation: Brought | null) => void
  /** Begins with the link that the person agreed to. */
  accept: () => void
}

const running = ['looking', 'pairing', 'comparing', 'waiting'] as const

/** Leads through pairing on the page that is there for it; ends it with the page. */
export function usePairingSteps(onPaired: () => void): PairingSteps {
  const { tab, localHome } = services()
  const homes = useHomes()
  const pairing = usePairing()
  const invitation = useInvitation()
  const notices = useNotices()
  const settings = useSettings()
  // On the PC itself nothing is offered before the door was tried, which leaves this page.
  const isAtDoor = ref(isLoopback(localHome.hostname))
  let isHere = true

  const step = computed<PairStep>(() => {
    const run = running.find((state) => state === pairing.state)
    if (run) return run
    if (pairing.state === 'failed' && pairing.failure === 'attack') return 'attack'
    if (homes.state === 'unkept') return 'unkept'
    if (isAtDoor.value) return 'door'
    return invitation.kept ? 'invited' : 'ways'
  })

  function accept(): void {
    if (invitation.kept) pairing.begin(invitation.kept)
  }

  /** On the PC itself the PC's own door is tried first, once. */
  async function tryDoor(): Promise<void> {
    const standing = {
      hostname: localHome.hostname,
      isUnpaired: homes.state === 'unpaired',
      isInvited: invitation.kept !== null,
      hasGone: tab.trip() !== null,
    }
    const address = isWorthAsking(standing) ? doorOf(standing, await localHome.ask()) : null
    if (isHere && address && tab.keepTrip('away')) localHome.go(address)
    else isAtDoor.value = false
  }

  watch(
    () => pairing.state,
    (state) => {
      if (state !== 'paired' && state !== 'failed') return
      invitation.drop()
      if (state === 'failed') return
      settings.change({ networkHint: true })
      if (pairing.automatic) notices.tell('pairedByItself')
      onPaired()
    },
    // An attack takes this page away before it would hear of it.
    { flush: 'sync' },
  )

  /** The browser's 'back' may show this page as it was left, on its way to the door. */
  function comeBack({ persisted }: PageTransitionEvent): void {
    if (!persisted || tab.trip() !== 'away') return
    tab.keepTrip('back')
    isAtDoor.value = false
  }

  onMounted(async () => {
    window.addEventListener('pageshow', comeBack)
    if (pairing.state !== 'idle') pairing.cancel()
    await homes.load()
    if (!isHere || homes.state === 'unkept') return
    if (!invitation.kept?.automatic) return tryDoor()
    isAtDoor.value = false
    accept()
  })
  onUnmounted(() => {
    isHere = false
    window.removeEventListener('pageshow', comeBack)
    if (pairing.state !== 'paired') pairing.cancel()
  })
  const begin = (brought: Brought | null) => {
    pairing.begin(brought)
  }

  return { step, begin, accept }
}
