/** A home at the other end of a test's channel. */
import type { FromHome, TrustFromHome, TrustToHome } from '../../src/protocol/generated'
import { TestDataChannel } from './dataChannel'
import { HomeEnd } from './trust'
import { until } from './until'

export class HomeLine {
  readonly channel = new TestDataChannel()
  private taken = 0

  constructor(readonly home = new HomeEnd()) {}

  /** Waits for the device's next message. */
  async next(): Promise<TrustToHome> {
    await until(() => this.channel.received.length > this.taken)
    return this.channel.received[this.taken++] as TrustToHome
  }

  /** Answers the next so many messages as an honest home. */
  async answer(count = 1): Promise<void> {
    for (let left = count; left > 0; left--) {
      const answer = await this.home.answer(await this.next())
      if (answer) this.say(answer)
    }
  }

  say(message: TrustFromHome | FromHome | Record<string, unknown>): void {
    this.channel.say(message)
  }
}
