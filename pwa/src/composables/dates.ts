import { useI18n } from 'vue-i18n'

export interface Dates {
  day: (ms: number) => string
  time: (ms: number) => string
  /** Day and time. */
  moment: (ms: number) => string
}

/** Dates in the person's language. Times are milliseconds since 1970. */
export function useDates(): Dates {
  const { locale } = useI18n()
  const as = (options: Intl.DateTimeFormatOptions) => (ms: number) =>
    new Intl.DateTimeFormat(locale.value, options).format(ms)
  return {
    day: as({ dateStyle: 'medium' }),
    time: as({ timeStyle: 'short' }),
    moment: as({ dateStyle: 'medium', timeStyle: 'short' }),
  }
}
