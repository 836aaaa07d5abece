import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { ChatSummary } from '../chat/view'

export interface Asked {
  readonly chat: ChatSummary
  readonly what: 'rename' | 'move' | 'delete'
  /** Called when it is answered or left. */
  readonly done: () => void
}

/**
 * What is asked before something is done with a chat. The row that it is asked in may move meanwhile,
 * or go, as answers come, so that its dialog is no part of it.
 */
export const useChatDialog = defineStore('chatDialog', () => {
  const asked = shallowRef<Asked | null>(null)

  function done(): void {
    const over = asked.value
    asked.value = null
    over?.done()
  }

  return { asked, ask: (what: Asked) => (asked.value = what), done }
})
