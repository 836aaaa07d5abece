import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

/** Dates in the person's language. Times are milliseconds since 1970. */
export function useDates(): { day: (ms: number) => string; moment: (ms: number) => string } {
  const { locale } = useI18n()
  const days = computed(() => new Intl.DateTimeFormat(locale.value, { dateStyle: 'medium' }))
  const moments = computed(
    () => new Intl.DateTimeFormat(locale.value, { dateStyle: 'medium', timeStyle: 'short' }),
  )
  return { day: (ms) => days.value.format(ms), moment: (ms) => moments.value.format(ms) }
}
