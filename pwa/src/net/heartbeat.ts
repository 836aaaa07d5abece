/** Whether the other end is still there. Pure: `nowMs` is handed in. */

/** So many intervals of silence, and the channel is taken for dead. */
export const misses = 3

export class Heartbeat {
  private heardMs: number
  private deadlineMs = Infinity

  constructor(
    readonly intervalMs: number,
    nowMs: number,
  ) {
    this.heardMs = nowMs
  }

  /** Anything at all came from the other end. */
  heard(nowMs: number): void {
    this.heardMs = nowMs
    this.deadlineMs = Infinity
  }

  /** Wants a sign of life within `graceMs`: after a sleep no channel is to be trusted. */
  doubt(nowMs: number, graceMs: number): void {
    this.deadlineMs = Math.min(this.deadlineMs, nowMs + graceMs)
  }

  isDead(nowMs: number): boolean {
    return nowMs >= this.deadlineMs || nowMs - this.heardMs >= this.intervalMs * misses
  }
}
