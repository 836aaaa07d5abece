import { useI18n } from 'vue-i18n'
import { type FailureCode, NetError, ProblemError } from '../net/errors'

export interface Sentences {
  ofCode: (code: FailureCode) => string
  /** What went wrong and what to do, in the person's language. */
  of: (error: unknown) => string
}

export function useSentences(): Sentences {
  const { t } = useI18n()
  const ofCode = (code: FailureCode) => t(`error.${code}`)

  function of(error: unknown): string {
    if (!(error instanceof NetError)) return ofCode('internal')
    const wait = error instanceof ProblemError ? error.retryAfterS : null
    const sentence = ofCode(error.code)
    return wait === null ? sentence : `${sentence} ${t('retryIn', { n: wait }, wait)}`
  }

  return { ofCode, of }
}
