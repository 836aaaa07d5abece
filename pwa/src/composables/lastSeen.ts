import { useI18n } from 'petite-vue-i18n'
import type { DeviceShown } from '../protocol/generated'
import { services } from '../stores/services'
import { ageOf } from './ages'
import { useDates } from './dates'

/** Says when a device was last there, in the person's language. */
export function useLastSeen(): (device: DeviceShown) => string {
  const { t } = useI18n()
  const { now } = services()
  const { day, time } = useDates()
  return ({ seen_ms, paired_ms }) => {
    if (typeof seen_ms !== 'number') return t('devices.never', { date: day(paired_ms) })
    return t(`devices.seen.${ageOf(seen_ms, now())}`, { date: day(seen_ms), time: time(seen_ms) })
  }
}
