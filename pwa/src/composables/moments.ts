import { useI18n } from 'vue-i18n'
import type { DeviceShown } from '../protocol/generated'
import { services } from '../stores/services'
import { ageOf } from './ages'

/** Says when something was, in the person's language. */
export function useMoments(): {
  date: (ms: number) => string
  time: (ms: number) => string
  seen: (device: DeviceShown) => string
} {
  const { t, locale } = useI18n()
  const { now } = services()
  const format = (ms: number, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale.value, options).format(ms)
  const date = (ms: number) => format(ms, { dateStyle: 'medium' })
  const time = (ms: number) => format(ms, { timeStyle: 'short' })
  function seen({ seen_ms, paired_ms }: DeviceShown): string {
    if (typeof seen_ms !== 'number') return t('devices.never', { date: date(paired_ms) })
    return t(`devices.seen.${ageOf(seen_ms, now())}`, { date: date(seen_ms), time: time(seen_ms) })
  }
  return { date, time, seen }
}
