import { useI18n } from 'petite-vue-i18n'
import type { AccountNotice } from '../protocol/generated'
import { useDates } from './dates'

/** What happened to the account, in a sentence. */
export function useAccountNoticeText(): (notice: AccountNotice) => string {
  const { t } = useI18n()
  const { moment } = useDates()
  return ({ kind, subject, count, first_ms, last_ms }) => {
    const named = { n: count, since: moment(first_ms), date: moment(last_ms), name: subject ?? '' }
    return t(`accountNotices.${kind}`, named, count)
  }
}
