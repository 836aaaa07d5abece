import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { LanTicket } from '../protocol/generated'
import type { PinnedHome } from '../storage/homes'
import type { Bytes } from '../trust/bytes'
import { services } from './services'

/**
 * `unknown`: nobody has looked yet. `unkept`: this browser keeps nothing, as private windows do, so
 * that there can be no pairing.
 */
export type HomesState = 'unknown' | 'unpaired' | 'paired' | 'unkept'

/** The home that this browser is paired with; of several, the one that was paired last. */
export const useHomes = defineStore('homes', () => {
  const { homes, deviceKeys, keepStorage, now } = services()
  const state = ref<HomesState>('unknown')
  const home = shallowRef<PinnedHome | null>(null)

  /** Looks again for as long as there is none: another tab may have paired. */
  async function load(): Promise<void> {
    const found = await look()
    // Meanwhile this tab may have paired.
    if (state.value !== 'paired') show(found)
  }

  /** Another tab has paired anew: what this one shows, and is connected as, is of before. */
  async function lookAgain(): Promise<void> {
    if (!home.value) return
    const found = await look()
    const [newest, there] = [found?.at(-1), home.value]
    if (!found || !there || (newest?.id === there.id && newest.pairedAt === there.pairedAt)) return
    home.value = null
    state.value = 'unknown'
    show(found)
  }

  homes.watch(() => void lookAgain())

  /** Null: nothing is kept here. A home is of use only with the key that it knows us by. */
  async function look(): Promise<readonly PinnedHome[] | null> {
    const all = await homes.all()
    return all && (await deviceKeys.load()) && all
  }

  function show(found: readonly PinnedHome[] | null): void {
    home.value = found?.at(-1) ?? null
    state.value = !found ? 'unkept' : home.value ? 'paired' : 'unpaired'
  }

  /** Keeps the key of a home that was paired just now. Where the browser does not, nothing changes. */
  async function pin(publicKey: Bytes, name: string): Promise<void> {
    const kept = await homes.pin({ publicKey, name, pairedAt: now(), lan: null })
    if (!kept) return
    keepStorage()
    home.value = kept
    state.value = 'paired'
  }

  /** As the home in use says, to be dialed by without a server the next time. */
  async function keepTicket(ticket: LanTicket | null): Promise<void> {
    const there = home.value
    if (!there || JSON.stringify(there.lan) === JSON.stringify(ticket)) return
    home.value = { ...there, lan: ticket }
    await homes.update(there.id, { lan: ticket })
  }

  /** Only because the person asks. What the browser did not forget stays paired. */
  async function forget(): Promise<void> {
    for (const { id } of (await homes.all()) ?? []) await homes.unpin(id)
    show(await look())
  }

  return { state, home, load, pin, keepTicket, forget }
})
