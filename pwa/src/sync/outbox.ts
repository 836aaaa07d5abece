/** What a person did that the PC has not confirmed: kept, sent in order, shared with other tabs. */
import type { ChatsState, Pending } from '../chat/model'
import { passing } from '../chat/reducer'
import type { Acknowledged, Command, ErrorCode } from '../protocol/generated'
import type { Broadcast } from '../storage/broadcast'
import type { Disk } from './disk'
import { hear, isNews, type News } from './news'
import { Sender } from './sender'

type Untold = News extends infer One ? (One extends News ? Omit<One, 'log'> : never) : never

export interface OutboxNeeds {
  broadcast: Broadcast | null
  now: () => number
  later: (ms: number, action: () => void) => void
  isConnected: () => boolean
  send: (command: Command) => void
  state: () => ChatsState
  /** Shows another state, which is on disk or on its way there. */
  show: (state: ChatsState) => void
}

export class Outbox {
  private readonly sender = new Sender()
  private isOpen = false
  private isOver = false
  private isTelling = false
  private isTimed = false

  constructor(
    private readonly disk: Disk,
    private readonly needs: OutboxNeeds,
  ) {}

  /** What other tabs say while this one reads what is kept is heard after it. */
  listen(): () => void {
    const { broadcast } = this.needs
    const news: unknown[] = []
    if (broadcast) broadcast.onMessage = (message) => void news.push(message)
    return () => {
      if (broadcast) broadcast.onMessage = (message) => this.hear(message)
      for (const one of news) this.hear(one)
      this.isOpen = true
      this.pump()
    }
  }

  /** Another connection: sends what was not acknowledged on the one before. */
  async begin(): Promise<void> {
    this.sender.begin()
    if (this.needs.broadcast && this.isOpen) await this.refresh()
    this.pump()
  }

  async add(added: readonly Pending[]): Promise<void> {
    const ids = added.map(({ command }) => command.id)
    this.sender.writing(ids)
    await this.disk.write({ add: added })
    this.sender.written(ids)
    this.post({ type: 'added', pending: added })
    // There may have been no room for it.
    if (!this.isOver) this.needs.show(this.needs.state())
    this.pump()
  }

  acknowledged({ id, seq }: Acknowledged, before: readonly Pending[]): void {
    const was = before.find(({ command }) => command.id === id)
    const now = { state: 'acknowledged', seq, code: null, excess: null } as const
    if (was) this.post({ type: 'changed', pending: [{ ...was, ...now }] })
    this.sender.answered(id)
    this.pump()
  }

  refused(id: string, code: ErrorCode): void {
    if (passing.includes(code)) {
      this.sender.putOff(id)
      return this.pumpLater(1000)
    }
    const pending = this.needs.state().pending.filter(({ command }) => command.id === id)
    this.post(pending.length > 0 ? { type: 'changed', pending } : { type: 'withdrawn', ids: [id] })
    this.sender.answered(id)
    this.pump()
  }

  /** The other tabs are told of nothing that is not on disk. */
  post(news: Untold): void {
    const { broadcast, state } = this.needs
    const whole: News = { ...news, log: state().log }
    if (broadcast) void this.disk.idle().then(() => this.isOver || broadcast.post(whole))
  }

  /** Sends what may be sent. Before the first time it is on disk that the PC may have it. */
  pump(): void {
    const { now, send, isConnected, state } = this.needs
    if (!this.isOpen || this.isOver || this.isTelling || !isConnected()) return
    const due = this.sender.due(state().pending, now())
    for (const { command } of due.send) send(command)
    if (due.tell.length > 0) void this.tell(due.tell)
    else if (due.laterMs !== null) this.pumpLater(due.laterMs)
  }

  close(): void {
    this.isOver = true
    this.needs.broadcast?.close()
  }

  private async tell(untold: readonly Pending[]): Promise<void> {
    this.isTelling = true
    const ids = new Set(untold.map(({ command }) => command.id))
    const isTold = (one: Pending) => ids.has(one.command.id)
    const { pending } = this.needs.state()
    const next = pending.map((one) => (isTold(one) ? { ...one, told: true } : one))
    const told = next.filter(isTold)
    this.needs.show({ ...this.needs.state(), pending: next })
    await this.disk.write({ told: [...ids] })
    this.isTelling = false
    this.post({ type: 'changed', pending: told })
    this.pump()
  }

  /** A tab that died may have told nobody what it did last. */
  private refresh(): Promise<void> {
    return this.disk.readOutbox((outbox) => {
      if (this.isOver) return
      const { pending } = this.needs.state()
      const mine = new Map(pending.map((one) => [one.command.id, one]))
      const next = outbox.map((one) => mine.get(one.command.id) ?? one)
      const isSame = next.length === pending.length && next.every((one, at) => one === pending[at])
      if (!isSame) this.needs.show({ ...this.needs.state(), pending: next })
    })
  }

  private pumpLater(ms: number): void {
    if (this.isTimed) return
    this.isTimed = true
    this.needs.later(ms, () => {
      this.isTimed = false
      this.sender.release()
      this.pump()
    })
  }

  private hear(message: unknown): void {
    if (this.isOver || !isNews(message)) return
    this.needs.show(hear(this.needs.state(), message))
    this.pump()
  }
}
