/** Which chats are open, the one that was opened last at the end, and what of them is missing. */
import type { ChatsState } from '../chat/model'

/** Whoever goes back and forth between a few finds them as they were. */
const most = 8

export class OpenChats {
  private order: string[] = []
  /** By chat, the reading that is under way. */
  private readonly reading = new Map<string, symbol>()
  /** Asked for on this connection, and not answered yet. */
  private readonly asked = new Set<string>()
  /** Asked for on this connection. */
  private readonly askedOnce = new Set<string>()
  /** The PC said that this was all. */
  private readonly whole = new Set<string>()

  /** Gives those that are closed for it. */
  open(chat: string): string[] {
    this.order = [...this.order.filter((one) => one !== chat), chat]
    const closed = this.order.splice(0, this.order.length - most)
    for (const one of closed) {
      this.reading.delete(one)
      this.whole.delete(one)
      this.askedOnce.delete(one)
    }
    return closed
  }

  /** What is not asked of a PC that is there does not come. */
  isOpening(chat: string, isConnected: boolean): boolean {
    return this.reading.has(chat) || (isConnected && this.asked.has(chat))
  }

  /** Whether there may be turns of it that are not here. */
  misses(state: ChatsState, chat: string): boolean {
    return this.reading.has(chat) || !this.isWhole(state, chat)
  }

  beginReading(chat: string): symbol {
    const reading = Symbol(chat)
    this.reading.set(chat, reading)
    return reading
  }

  /** Whether it was the last one of this chat, and the chat is still open. */
  endReading(chat: string, reading: symbol): boolean {
    return this.reading.get(chat) === reading && this.reading.delete(chat)
  }

  beginConnection(): void {
    this.asked.clear()
    this.askedOnce.clear()
  }

  /** Another log: nothing that was read or fetched is of it. */
  restart(): void {
    this.reading.clear()
    this.whole.clear()
    this.beginConnection()
  }

  fetched(chat: string): void {
    this.asked.delete(chat)
    if (this.order.includes(chat)) this.whole.add(chat)
  }

  /** Those that are to be asked for now, each once on a connection. */
  missing(state: ChatsState): string[] {
    const chats = this.order.filter(
      (chat) =>
        state.chats.has(chat) &&
        !this.reading.has(chat) &&
        !this.askedOnce.has(chat) &&
        !this.isWhole(state, chat),
    )
    for (const chat of chats) {
      this.asked.add(chat)
      this.askedOnce.add(chat)
    }
    return chats
  }

  private isWhole({ before, log, chats, pending, heads }: ChatsState, chat: string): boolean {
    if (log !== null && before <= 1) return true
    if (this.whole.has(chat)) return true
    const isNew = pending.some(({ command }) => command.type === 'create_chat' && command.chat === chat)
    if (isNew && !heads.has(chat)) return true
    // All that was said after it was begun is here.
    const events = chats.get(chat)?.events ?? []
    return events.some(({ type, seq }) => type === 'chat_created' && seq >= before)
  }
}
