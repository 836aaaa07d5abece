import { useI18n } from 'petite-vue-i18n'
import type { Refusal } from '../release/status'
import { useRelease } from '../stores/release'

/** Says why an update was refused. */
export function useRefusal(): { why: (refusal: Refusal) => string } {
  const { t } = useI18n()
  const release = useRelease()
  return {
    why: ({ reason, subject }) =>
      t(`update.reason.${reason}`, { subject, key: release.status?.fingerprint ?? '' }),
  }
}
