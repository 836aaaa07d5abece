import { useI18n } from 'petite-vue-i18n'
import { type FailureCode, NetError, ProblemError } from '../net/errors'
import type { Excess } from '../protocol/generated'

export interface Sentences {
  ofCode: (code: FailureCode) => string
  /** By how much a message is too long for the model. */
  ofExcess: (excess: Excess) => string
  /** What went wrong and what to do, in the person's language. */
  of: (error: unknown) => string
}

export function useSentences(): Sentences {
  const { t, locale } = useI18n()
  const ofCode = (code: FailureCode) => t(`error.${code}`)

  function ofExcess({ tokens, limit }: Excess): string {
    const number = new Intl.NumberFormat(locale.value)
    return t('chat.tooLongForModel', {
      tokens: number.format(tokens),
      limit: number.format(limit),
      percent: Math.ceil((100 * (tokens - limit)) / tokens),
    })
  }

  function of(error: unknown): string {
    if (!(error instanceof NetError)) return ofCode('internal')
    const wait = error instanceof ProblemError ? error.retryAfterS : null
    const sentence = ofCode(error.code)
    return wait === null ? sentence : `${sentence} ${t('retryIn', { n: wait }, wait)}`
  }

  return { ofCode, ofExcess, of }
}
