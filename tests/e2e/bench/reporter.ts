/** Passes a bench's own words on, and nothing of the runner's unless it broke. */
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter'

export default class BenchReporter implements Reporter {
  onStdOut(text: string | Buffer): void {
    process.stdout.write(text)
  }

  onTestEnd(_test: TestCase, { errors }: TestResult): void {
    // Beyond its budget the last line has said so; anything else is a fault.
    const faults = errors.filter(({ message }) => !message?.includes('toBeLessThanOrEqual'))
    for (const { message } of faults) process.stderr.write(`${message ?? 'It broke.'}\n`)
  }

  printsToStdio(): boolean {
    return true
  }
}
