import { useI18n } from 'petite-vue-i18n'
import { ageOf } from './ages'

export interface Dates {
  day: (ms: number) => string
  time: (ms: number) => string
  /** Day and time. */
  moment: (ms: number) => string
  /** The time of a moment of today, day and time of one before. */
  soon: (ms: number, nowMs: number) => string
  /** For little room: the time of today, the day of this year, or the day and its year. */
  brief: (ms: number, nowMs: number) => string
}

/** Dates in the person's language. Times are milliseconds since 1970. */
export function useDates(): Dates {
  const { locale } = useI18n()
  const as = (options: Intl.DateTimeFormatOptions) => (ms: number) =>
    new Intl.DateTimeFormat(locale.value, options).format(ms)
  const time = as({ timeStyle: 'short' })
  const moment = as({ dateStyle: 'medium', timeStyle: 'short' })
  const day = as({ dateStyle: 'medium' })
  const dayOfThisYear = as({ day: 'numeric', month: 'short' })
  const yearOf = (ms: number) => new Date(ms).getFullYear()
  return {
    day,
    time,
    moment,
    soon: (ms, nowMs) => (ageOf(ms, nowMs) === 'today' ? time : moment)(ms),
    brief: (ms, nowMs) => {
      if (ageOf(ms, nowMs) === 'today') return time(ms)
      return yearOf(ms) === yearOf(nowMs) ? dayOfThisYear(ms) : day(ms)
    },
  }
}
