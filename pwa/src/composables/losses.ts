import { useI18n } from 'petite-vue-i18n'
import { computed, type ComputedRef } from 'vue'
import { useChats } from '../stores/chats'

/** What would be lost with what this browser keeps, since it is nowhere else: a sentence for each. */
export function useLosses(): ComputedRef<string[]> {
  const { t } = useI18n()
  const chats = useChats()
  return computed(() => {
    const counts = [
      ['losses.unsent', chats.unsent],
      ['losses.stranded', chats.stranded],
    ] as const
    return counts.flatMap(([key, n]) => (n > 0 ? [t(key, { n }, n)] : []))
  })
}
