import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import { type Asked, pairing, type PairingFailure, type PairingOpening } from '../net/pairing'
import { equal } from '../trust/bytes'
import { fromCharacters } from '../trust/crockford'
import type { Invitation } from '../trust/invitation'
import { SECRET_BYTES } from '../trust/transcript'
import { useAccount } from './account'
import { useConnection } from './connection'
import { useHomes } from './homes'
import { services } from './services'

/**
 * `looking`: for the PC. `comparing`: `code` is shown, and awaits the person's answer. `waiting`: it
 * was 'yes'; the person at the PC has not said so yet.
 */
export type PairingState =
  | 'idle'
  | 'looking'
  | 'pairing'
  | 'comparing'
  | 'waiting'
  | 'paired'
  | 'failed'

/** What a link, a QR or the person brought; `automatic` came from the PC, without anybody's doing. */
export type Brought = Invitation & { automatic?: boolean }

/** A PC that cannot be reached within this is told. Its program may just be starting. */
export const lookingMs = 30_000

/** Makes this browser known to a home, once, by an invitation. */
export const usePairing = defineStore('pairing', () => {
  const { clock, deviceKeys, makeNonce, deviceName } = services()
  const account = useAccount()
  const connection = useConnection()
  const homes = useHomes()
  const state = ref<PairingState>('idle')
  const code = ref<string | null>(null)
  const failure = ref<PairingFailure | 'no_home' | null>(null)
  const automatic = ref(false)
  const isUnderWay = computed(() => !['idle', 'paired', 'failed'].includes(state.value))
  let opening: PairingOpening | null = null
  let lookingTimer: unknown = null
  /** Grows with every beginning and end: what was asked for before is late. */
  let turns = 0

  /** @param invitation null to compare codes instead */
  function begin(invitation: Brought | null): void {
    cancel()
    automatic.value = invitation?.automatic ?? false
    const secret = invitation && fromCharacters(invitation.secret, SECRET_BYTES)
    if (connection.attack) return fail('attack')
    if (invitation && !secret) return fail('pairing_code_wrong')
    state.value = 'looking'
    void look({ secret, homeId: invitation?.homeId ?? null, name: deviceName() })
  }

  async function look(invitation: Asked): Promise<void> {
    const turn = ++turns
    const isKept = (await deviceKeys.load()) !== null
    if (turn !== turns) return
    if (!isKept) return fail('unkept')
    const current =
      <Args extends unknown[]>(hear: (...args: Args) => void) =>
      (...args: Args) => {
        if (turn === turns) hear(...args)
      }
    opening = pairing({ clock, makeNonce, deviceKey: () => deviceKeys.load() }, invitation, {
      onBegun: current(() => {
        clock.cancel(lookingTimer)
        state.value = 'pairing'
      }),
      onCode: current((shown: string) => {
        code.value = shown.replace('-', '')
        state.value = 'comparing'
      }),
      // Whoever has cancelled meanwhile is in the home's list all the same.
      async pin(homeKey) {
        await homes.pin(homeKey, '')
        return homes.home !== null && equal(homes.home.publicKey, homeKey)
      },
      onPaired: current(() => {
        connection.introduceFromNowOn()
        end('paired')
      }),
      onFailed: current(fail),
    })
    const lookInVain = () => fail(connection.isHomeInSight ? 'peer_unreachable' : 'no_home')
    lookingTimer = clock.after(lookingMs, lookInVain)
    connection.stop()
    connection.start(opening.open)
  }

  function answer(equal: boolean): void {
    if (state.value !== 'comparing') return
    state.value = 'waiting'
    opening?.answer(equal)
  }

  /** Back to the beginning. Whoever is paired by now stays paired. */
  function cancel(): void {
    automatic.value = false
    end('idle')
  }

  function fail(why: PairingFailure | 'no_home'): void {
    end('failed')
    failure.value = why
  }

  function end(how: 'idle' | 'paired' | 'failed'): void {
    const left = how === 'paired' ? null : opening
    turns++
    clock.cancel(lookingTimer)
    opening = null
    state.value = how
    code.value = failure.value = null
    if (!left) return
    connection.stop()
    // Who was paired before still is.
    if (account.isIn && homes.state === 'paired') connection.start()
  }

  // Without an account there is no way to the PC.
  watch(
    () => account.isIn,
    (isIn) => {
      if (!isIn) cancel()
    },
    { flush: 'sync' },
  )
  // The server may refuse us before a home can.
  watch(
    () => connection.refusal,
    (why) => {
      if (why && isUnderWay.value) fail(why)
    },
    { flush: 'sync' },
  )

  return { state, code, failure, automatic, begin, answer, cancel }
})
