import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { KeptInvitation } from '../storage/tab'
import { readFragment } from '../trust/invitation'
import { services } from './services'

/**
 * The link that this tab was opened with, until it was used: through a log-in and a reload. `unreadable`:
 * there was something behind `/pair#`, but no invitation.
 */
export const useInvitation = defineStore('invitation', () => {
  const { tab } = services()
  const kept = shallowRef<KeptInvitation | null>(tab.invitation())
  const unreadable = shallowRef(false)

  function keep(fragment: string, automatic: boolean): void {
    const invitation = readFragment(fragment)
    unreadable.value = invitation === null
    kept.value = invitation && { ...invitation, automatic }
    tab.keepInvitation(kept.value)
  }

  function drop(): void {
    kept.value = null
    unreadable.value = false
    tab.keepInvitation(null)
  }

  return { kept, unreadable, keep, drop }
})
