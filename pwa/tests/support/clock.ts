import type { Clock } from '../../src/net/clock'

/** Time that passes only when a test says so. */
export class TestClock implements Clock {
  private ms: number
  private timers: { at: number; action: () => void }[] = []

  constructor(startMs = 1_000_000) {
    this.ms = startMs
  }

  now(): number {
    return this.ms
  }

  random(): number {
    return 0.5
  }

  after(ms: number, action: () => void): unknown {
    const timer = { at: this.ms + ms, action }
    this.timers.push(timer)
    return timer
  }

  cancel(timer: unknown): void {
    this.timers = this.timers.filter((one) => one !== timer)
  }

  pass(ms: number): void {
    const until = this.ms + ms
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.cancel(due)
      this.ms = Math.max(this.ms, due.at)
      due.action()
    }
    this.ms = until
  }

  /** As a laptop's lid does it: time is gone, and no timer has run. */
  sleep(ms: number): void {
    this.ms += ms
  }
}
