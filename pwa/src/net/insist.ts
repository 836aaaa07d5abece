import { delayMs } from './backoff'
import type { Clock } from './clock'

/** Tries until it comes, ever more seldom, as for a part of the app on a line that breaks. */
export async function insist<Part>(
  load: () => Promise<Part>,
  clock: Pick<Clock, 'after' | 'random'>,
): Promise<Part> {
  for (let failures = 1; ; failures++) {
    try {
      return await load()
    } catch {
      await new Promise<void>((goOn) => {
        clock.after(delayMs(failures, clock.random()), goOn)
      })
    }
  }
}
