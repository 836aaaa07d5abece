/** Whether the other end is still there. Pure: `nowMs` is handed in. */

/** So many intervals of silence, and the channel is taken for dead; the other end does the same. */
export const misses = 3
/** So many, and it may be: another way is looked for meanwhile. */
export const doubtful = 1.5

/** `ask` wants a sign of life. `silent` is told once of each silence. */
export type Pulse = 'ask' | 'silent' | 'dead'

export class Heartbeat {
  private heardMs: number
  private askMs: number
  private deadlineMs = Infinity
  private silent = false
  /** An answer cannot come sooner than this. */
  private roundTripMs = 0

  constructor(
    readonly intervalMs: number,
    nowMs: number,
  ) {
    this.heardMs = this.askMs = nowMs
  }

  /** Anything at all came from the other end. Gives whether it was silent before. */
  heard(nowMs: number): boolean {
    const was = this.silent
    this.heardMs = nowMs
    this.deadlineMs = Infinity
    this.silent = false
    return was
  }

  answered(roundTripMs: number): void {
    this.roundTripMs = Math.min(this.intervalMs, Math.max(0, roundTripMs))
  }

  /** Wants a sign of life within `graceMs`: after a sleep no channel is to be trusted. */
  doubt(nowMs: number, graceMs: number): void {
    this.askMs = nowMs
    this.deadlineMs = Math.min(this.deadlineMs, nowMs + graceMs)
  }

  /** What to do now; to be called until it gives null, and again at `nextMs`. */
  tick(nowMs: number): Pulse | null {
    if (nowMs >= this.deadMs) return 'dead'
    if (!this.silent && nowMs >= this.silentMs) {
      this.silent = true
      return 'silent'
    }
    if (nowMs < this.askMs) return null
    this.askMs = nowMs + this.intervalMs
    return 'ask'
  }

  get nextMs(): number {
    return Math.min(this.askMs, this.deadMs, this.silent ? Infinity : this.silentMs)
  }

  private get silentMs(): number {
    return this.heardMs + this.intervalMs * doubtful + this.roundTripMs
  }

  private get deadMs(): number {
    return Math.min(this.deadlineMs, this.heardMs + this.intervalMs * misses)
  }
}
