/** A program that runs on a host, and what it has said. */
import type { ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Host } from './hosts.ts'
import { environment, ROOT } from './places.ts'

/** Where what all programs say is kept too, for who looks for a fault. */
const log = process.env.HEARTH_ROADS_LOG

export class Program {
  readonly lines: string[] = []
  private readonly waiting = new Set<() => void>()
  private readonly ended: Promise<void>
  private hasEnded = false

  private constructor(
    private readonly title: string,
    private readonly process: ChildProcess,
  ) {
    for (const stream of [process.stdout!, process.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line)
        if (log) appendFileSync(log, `${this.title}: ${line}\n`)
        this.tell()
      })
    }
    this.ended = new Promise((done) => {
      process.once('close', () => {
        this.hasEnded = true
        this.tell()
        done()
      })
    })
  }

  /** Starts it, and waits until it has said `ready`. */
  static async start(
    host: Host,
    words: readonly string[],
    settings: Record<string, string>,
    ready: string,
  ): Promise<Program> {
    const child = host.start(words, { cwd: ROOT, env: environment(settings) })
    const program = new Program(words.join(' '), child)
    await program.says(ready)
    return program
  }

  /** How many lines have these words. */
  count(words: string): number {
    return this.lines.filter((line) => line.includes(words)).length
  }

  /** Waits until so many lines have these words. */
  async says(words: string, times = 1): Promise<void> {
    while (this.count(words) < times) {
      if (this.hasEnded) throw new Error(`${this.title} ended:\n${this.lines.join('\n')}`)
      await new Promise<void>((done) => this.waiting.add(done))
    }
  }

  /** Ends it by a signal, and waits until it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.hasEnded) this.process.kill(signal)
    await this.ended
  }

  private tell(): void {
    for (const done of this.waiting) done()
    this.waiting.clear()
  }
}
