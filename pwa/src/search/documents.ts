/** What can be found in a chat: each message, and the answer to it that ended last. */
import type { Event } from '../protocol/generated'

/** Named by the number of its event, whose text never changes. */
export interface Document {
  readonly chat: string
  readonly seq: number
  /** The number of the message that it is, or that it answers: the same as `seq` for a message. */
  readonly turn: number
  readonly atMs: number
  readonly text: string
}

/** Of all events of one chat, in order. An answer whose message is not here yet waits for it. */
export function documents(events: readonly Event[]): Document[] {
  const messages = new Map<string, Document>()
  const answered = new Map<string, string>()
  const answers = new Map<string, Document>()
  for (const event of events) {
    if (event.type === 'message_written') {
      const { chat, seq, at_ms: atMs, text } = event
      if (!messages.has(event.message)) {
        messages.set(event.message, { chat, seq, turn: seq, atMs, text })
      }
    } else if (event.type === 'answer_begun') {
      answered.set(event.answer, event.message)
    } else if (event.type === 'answer_ended') {
      const { chat, seq, at_ms: atMs, text } = event
      const message = answered.get(event.answer)
      const turn = message === undefined ? undefined : messages.get(message)?.seq
      if (message !== undefined && turn !== undefined) {
        answers.set(message, { chat, seq, turn, atMs, text })
      }
    }
  }
  return [...messages.values(), ...answers.values()]
}
