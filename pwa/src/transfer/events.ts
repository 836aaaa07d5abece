/** A chat's events into what an export writes. */
import type { AnswerBegun, AnswerEnded, Event, MessageWritten } from '../protocol/generated'
import type { PortableAnswer, PortableChat, PortableTurn } from './model'

/**
 * The chat of these events, which may come in any order and more than once; null where it was never
 * created or is deleted. Answers that have not ended, or ended without a word, are left out, and so
 * is one that another went on with.
 */
export function chatFromEvents(events: readonly Event[]): PortableChat | null {
  const fold = new Fold()
  for (const event of [...events].sort((one, other) => one.seq - other.seq)) fold.apply(event)
  return fold.chat()
}

interface OpenTurn extends PortableTurn {
  answers: PortableAnswer[]
}

class Fold {
  private head: Omit<PortableChat, 'turns'> | null = null
  private readonly turns = new Map<string, OpenTurn>()
  private readonly begun = new Map<string, AnswerBegun>()
  private newest: string | null = null

  apply(event: Event): void {
    switch (event.type) {
      case 'chat_created': {
        const { chat: id, title, folder = null, at_ms: atMs } = event
        this.head ??= { id, title, folder, atMs }
        return
      }
      case 'chat_renamed':
        if (this.head) this.head = { ...this.head, title: event.title }
        return
      case 'chat_moved':
        if (this.head) this.head = { ...this.head, folder: event.folder }
        return
      case 'chat_deleted':
        this.head = null
        this.turns.clear()
        return
      case 'message_written':
        return this.write(event)
      case 'answer_begun':
        if (!this.begun.has(event.answer)) this.begun.set(event.answer, event)
        return
      case 'answer_ended':
        return this.end(event)
    }
  }

  chat(): PortableChat | null {
    return this.head && { ...this.head, turns: [...this.turns.values()] }
  }

  private write({ chat, message, text, at_ms: atMs, parent = null }: MessageWritten): void {
    if (this.turns.has(message)) return
    this.turns.set(message, { id: message, parent: this.follows(chat, parent), atMs, text, answers: [] })
    this.newest = message
  }

  private follows(chat: string, parent: string | null): string | null {
    if (parent === chat) return null
    return parent !== null && this.turns.has(parent) ? parent : this.newest
  }

  private end({ answer: id, text }: AnswerEnded): void {
    const begun = this.begun.get(id)
    const turn = begun && this.turns.get(begun.message)
    if (!turn || !text || turn.answers.some((answer) => answer.id === id)) return
    turn.answers = [
      ...turn.answers.filter((answer) => answer.id !== begun.continues),
      { id, atMs: begun.at_ms, model: begun.model, text },
    ]
  }
}
