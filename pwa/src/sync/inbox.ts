/** What the PC says, taken one after the other, though a page is unpacked on the way. */
import type { Taken } from '../chat/reducer'
import type { Event, FromChats } from '../protocol/generated'

type Page = Extract<FromChats, { type: 'history' | 'chat_history' }>

export interface InboxNeeds {
  /** What a page of history holds. Rejects where it is not what the wire says. */
  unpack: (packed: string) => Promise<Event[]>
  /** Until there is room for more of the past. */
  room: () => Promise<void>
  take: (message: Taken) => void
  /** A page could not be unpacked. */
  miss: () => void
}

export class Inbox {
  private readonly messages: FromChats[] = []
  private waiting: Promise<void> | null = null
  private isOver = false

  constructor(private readonly needs: InboxNeeds) {}

  push(message: FromChats): void {
    this.messages.push(message)
    this.drain()
  }

  /** Nothing is taken before this is done. */
  hold(work: Promise<void>): Promise<void> {
    return (this.waiting = work.then(() => this.goOn()))
  }

  /** Lets go of what was not taken yet. */
  clear(): void {
    this.messages.length = 0
  }

  /** While something waits, when it is next worth looking; null when all is taken. */
  get busy(): Promise<void> | null {
    return this.waiting
  }

  close(): void {
    this.isOver = true
    this.clear()
    this.waiting = null
  }

  private drain(): void {
    while (!this.waiting) {
      const message = this.messages.shift()
      if (!message) return
      const isPage = message.type === 'history' || message.type === 'chat_history'
      if (isPage) void this.hold(this.takePage(message))
      else this.needs.take(message)
    }
  }

  /** What comes after a page waits for it, and it for the disk: so little is in memory. */
  private async takePage(page: Page): Promise<void> {
    const events = await this.unpacked(page)
    await this.needs.room()
    if (this.isOver) return
    if (events) this.needs.take({ ...page, events })
    else this.needs.miss()
  }

  private async unpacked({ packed }: Page): Promise<Event[] | null> {
    try {
      return await this.needs.unpack(packed)
    } catch {
      return null
    }
  }

  private goOn(): void {
    this.waiting = null
    if (!this.isOver) this.drain()
  }
}
