/** Time, handed in so that tests can make it pass. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** From 0 to 1. */
  random(): number
  after(ms: number, action: () => void): unknown
  cancel(timer: unknown): void
}

export const realClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, action) => window.setTimeout(action, ms),
  cancel: (timer) => {
    window.clearTimeout(timer as number | undefined)
  },
}
