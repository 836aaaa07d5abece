import { useI18n } from 'petite-vue-i18n'
import type { Outcome } from '../stores/household'
import { useSentences } from './sentence'

type Failure = Exclude<Outcome, 'done'>

/** Says why a request to the PC was not carried out, or why an invitation brought no device. */
export function useOutcomes(): {
  of: (outcome: Failure) => string
  ofEnd: (code: Failure) => string
} {
  const { t } = useI18n()
  const sentences = useSentences()
  const of = (outcome: Failure) =>
    outcome === 'away' || outcome === 'lost' ? t(`devices.${outcome}`) : sentences.ofCode(outcome)
  return { of, ofEnd: (code) => t(`invitation.ended.${code}`, of(code)) }
}
