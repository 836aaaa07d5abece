export interface Backoff {
  readonly firstMs: number
  readonly longestMs: number
}

export const backoff: Backoff = { firstMs: 400, longestMs: 15_000 }

/**
 * How long to wait after so many failures in a row: doubled each time, and spread over its upper
 * half so that many devices do not come back at the same moment.
 *
 * @param random from 0 to 1
 */
export function delayMs(failures: number, random: number, { firstMs, longestMs } = backoff): number {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1))
  return Math.round(whole * (0.5 + random / 2))
}
