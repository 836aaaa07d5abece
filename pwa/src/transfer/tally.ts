/** What was asked of the PC to have chats of a file, and what became of it. */
import type { Command, ErrorCode } from '../protocol/generated'
import type { PortableChat } from './model'

interface Asked {
  readonly chat: PortableChat
  /** Messages that are new by it. */
  readonly messages: readonly string[]
}

export class Tally {
  /** By command. */
  private readonly asked = new Map<string, Asked>()
  private readonly sent = new Set<string>()
  private readonly lost = new Map<string, PortableChat>()
  private readonly deleted = new Set<PortableChat>()
  private readonly failed = new Set<PortableChat>()
  /** Why the first of the messages was refused that was. */
  code: ErrorCode | null = null

  /** @param known ids of messages that are there already */
  expect(chat: PortableChat, commands: readonly Command[], known: ReadonlySet<string>): void {
    for (const command of commands) {
      const turns = command.type === 'import_turns' ? command.turns : []
      const messages = turns.map(({ message }) => message).filter((id) => !known.has(id))
      for (const id of messages) this.sent.add(id)
      this.asked.set(command.id, { chat, messages })
    }
  }

  /** Takes note of what the PC refused; false where nobody asked for it here. */
  refuse(command: Command, code: ErrorCode): boolean {
    const asked = this.asked.get(command.id)
    if (!asked) return false
    const { chat, messages } = asked
    for (const id of messages) this.lost.set(id, chat)
    if (code === 'chat_exists') {
      // Where it was not deleted, it takes what was said in it.
      if (chat.turns.length === 0) this.deleted.add(chat)
    } else if (code === 'chat_unknown' && !this.failed.has(chat)) {
      this.deleted.add(chat)
    } else {
      this.failed.add(chat)
      this.code ??= code
    }
    return true
  }

  /** Chats that were deleted on the PC, which makes none twice. */
  get gone(): readonly PortableChat[] {
    return [...this.deleted]
  }

  /** Whether something of the chat was not taken, other than that it was deleted. */
  hasFailed(chat: PortableChat): boolean {
    return this.failed.has(chat)
  }

  /** How many messages were not there before, as far as the PC has not refused them. */
  get fresh(): number {
    return this.sent.size - this.lost.size
  }

  /** How many messages it would not take, without those of deleted chats. */
  get refused(): number {
    return [...this.lost.values()].filter((chat) => !this.deleted.has(chat)).length
  }
}
