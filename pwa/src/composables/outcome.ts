import { useI18n } from 'vue-i18n'
import type { Outcome } from '../stores/household'
import { useSentences } from './sentence'

type Failure = Exclude<Outcome, 'done'>

/** Says why a request to the PC was not carried out, or why an invitation brought no device. */
export function useOutcomes(): {
  of: (outcome: Failure) => string
  ofEnd: (code: Failure) => string
} {
  const { t, te } = useI18n()
  const sentences = useSentences()
  const of = (outcome: Failure) =>
    outcome === 'away' || outcome === 'lost' ? t(`devices.${outcome}`) : sentences.ofCode(outcome)
  function ofEnd(code: Failure): string {
    const key = `invitation.ended.${code}`
    return te(key) ? t(key) : of(code)
  }
  return { of, ofEnd }
}
