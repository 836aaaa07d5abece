/** Stopping answers, also those that have not begun. */
import { isFree, type MakeId, pendingOf, stopAnswer } from '../chat/commands'
import type { Pending, Turn } from '../chat/model'
import type { Command } from '../protocol/generated'

export interface StopperNeeds {
  makeId: MakeId
  pending: () => readonly Pending[]
  /** Of the chats that are open, as they are shown. */
  turns: () => Iterable<Turn>
  perform: (commands: readonly Command[]) => void
  /** Takes commands back, by their ids. */
  withdraw: (ids: readonly string[]) => void
}

export class Stopper {
  /** Messages whose answer is to be stopped as soon as it begins. */
  private readonly wanted = new Set<string>()

  constructor(private readonly needs: StopperNeeds) {}

  /** What asks for an answer is taken back, where the PC does not have that yet. */
  stop({ id, reply }: Turn): void {
    const asked = reply ? this.goesOn(reply.id) : this.beginsAgain(id)
    if (asked && isFree(asked)) this.needs.withdraw([asked.command.id])
    else if (asked || !reply) this.wanted.add(id)
    else if (reply.state === 'running') this.stopOnce(reply.id)
  }

  /** Stops what has begun meanwhile. */
  look(): void {
    if (this.wanted.size === 0) return
    for (const id of [...this.wanted]) {
      if (pendingOf(this.needs.pending(), id)?.one.state === 'refused') this.wanted.delete(id)
    }
    for (const { id, reply } of this.needs.turns()) {
      if (!reply || this.goesOn(reply.id) || !this.wanted.delete(id)) continue
      if (reply.state === 'running') this.stopOnce(reply.id)
    }
  }

  clear(): void {
    this.wanted.clear()
  }

  private goesOn(answer: string): Pending | undefined {
    return this.needs
      .pending()
      .find(({ command }) => command.type === 'continue_answer' && command.answer === answer)
  }

  private beginsAgain(message: string): Pending | undefined {
    return this.needs
      .pending()
      .find(({ command }) => command.type === 'regenerate' && command.message === message)
  }

  private stopOnce(answer: string): void {
    const isAsked = this.needs
      .pending()
      .some(({ command }) => command.type === 'stop_answer' && command.answer === answer)
    if (!isAsked) this.needs.perform([stopAnswer(this.needs.makeId, answer)])
  }
}
