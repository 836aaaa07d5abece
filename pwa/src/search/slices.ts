/** Long work in short slices, so that what came meanwhile is looked at between them. */

export interface Breath {
  /** Milliseconds of a clock that never goes back. */
  now: () => number
  /** Lets every other task go first that waits. */
  pause: () => Promise<void>
}

const sliceMs = 8

export class Slices {
  private began: number

  constructor(private readonly breath: Breath) {
    this.began = breath.now()
  }

  /** To be asked often: pauses when the slice is over. */
  async next(): Promise<void> {
    if (!this.isOver) return
    await this.breath.pause()
    this.began = this.breath.now()
  }

  async run<T>(steps: Generator<void, T>): Promise<T> {
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      if (this.isOver) await this.next()
    }
  }

  private get isOver(): boolean {
    return this.breath.now() - this.began >= sliceMs
  }
}
