/** A replica of the PC's log, kept up to date, and an outbox for what it has not acknowledged. */
import { add, withdraw } from '../chat/commands'
import { addPast } from '../chat/events'
import { emptyChat } from '../chat/fold'
import { type ChatsState, nothing, type Pending } from '../chat/model'
import { passing, reduce, settle, type Taken } from '../chat/reducer'
import {
  type Acknowledged,
  type ChatError,
  type Command,
  type ErrorCode,
  type Event,
  type FromChats,
  type ToHome,
  VERSION,
} from '../protocol/generated'
import { MemoryReplica } from '../storage/memoryReplica'
import type { Kept, ReplicaStorage } from '../storage/replica'
import { type Broadcast, hear, isNews, type News } from './broadcast'
import { changeBetween } from './change'
import { Disk } from './disk'
import { OpenChats } from './openChats'
import { Sender } from './sender'

export type { Broadcast } from './broadcast'

export interface EngineNeeds {
  /** Null where this browser keeps nothing: then all is in memory until the page is closed. */
  storage: () => Promise<ReplicaStorage | null>
  broadcast: Broadcast | null
  now: () => number
  later: (ms: number, action: () => void) => void
  /** What a page of history holds. Rejects where it is not what the wire says. */
  unpack: (packed: string) => Promise<Event[]>
  /** Whether what is sent now is given to a connection that the PC has welcomed. */
  isConnected: () => boolean
  /** What the PC does not hear is sent again on the next connection. */
  send: (message: ToHome) => void
  /** Something was missed: a new connection asks for it. */
  resync: () => void
  /** `live`: nothing but the text of running answers changed. */
  onChange: (what: 'all' | 'live') => void
  /** A command was refused that leaves nothing on the screen to say so. */
  onRefused: (error: ChatError) => void
  /** On disk something was added to these chats, or they are gone from it. */
  onTouched?: (chats: readonly string[], erased: readonly string[]) => void
}

type Page = Extract<FromChats, { type: 'history' | 'chat_history' }>

/** The PC allows no more in one hello. */
const draftsInHello = 64

export class SyncEngine {
  state: ChatsState = nothing
  private readonly disk = new Disk()
  private readonly sender = new Sender()
  private readonly openChats = new OpenChats()
  /** What came from the PC, in order; it waits while a page is unpacked. */
  private readonly inbox: FromChats[] = []
  private waiting: Promise<void> | null = null
  private isOpen = false
  private isOnDisk = false
  private isTelling = false
  private isTimed = false
  /** A page was missed: what the same connection says next would leave a hole. */
  private isDeaf = false
  private isOver = false

  constructor(private readonly needs: EngineNeeds) {}

  /** This device had no room: what came since is in memory only. */
  get full(): boolean {
    return this.disk.full
  }

  /** Whether what is here outlives the page; false until it was read. */
  get kept(): boolean {
    return this.isOnDisk && !this.disk.broken
  }

  /** Reads the replica. What comes meanwhile waits behind it. */
  open(): Promise<void> {
    return (this.waiting = this.load())
  }

  /** The first message on a connection. */
  hello(): ToHome {
    const { log, after, before, isListing, live } = this.state
    // Half a list of chats is nothing to go on from.
    if (log === null || isListing) return { type: 'hello', version: VERSION }
    const drafts = [...live].map(([answer, { next }]) => ({ answer, index: next }))
    const some = drafts.slice(-draftsInHello)
    return { type: 'hello', version: VERSION, log, after, before, drafts: some }
  }

  take(message: FromChats): void {
    if (this.isOver) return
    this.inbox.push(message)
    this.drain()
  }

  /** The PC has welcomed us on the connection in use: sends what it has not acknowledged. */
  welcomed(): void {
    this.sender.begin()
    this.openChats.beginConnection()
    this.fetchMissing()
    void this.refresh()
  }

  /** Shown at once, on disk before it is sent, sent in order until it is acknowledged. */
  perform(commands: readonly Command[]): void {
    if (commands.length === 0) return
    const { pending } = this.state
    this.state = add(this.state, commands, this.needs.now(), this.needs.isConnected())
    void this.keep(this.state.pending.slice(pending.length))
    this.changed()
  }

  /** Puts a command in the place of the one of the same id, which the PC cannot have yet. */
  replace(command: Command): void {
    const before = this.state
    const pending = before.pending.map((one) =>
      one.command.id === command.id ? { ...one, command } : one,
    )
    this.commit({ ...before, pending })
    this.post({ type: 'changed', log: this.state.log, pending: pending.filter((one) => one.command === command) })
  }

  /** Takes commands back that were not acknowledged. */
  withdraw(ids: readonly string[]): void {
    this.commit(withdraw(this.state, ids))
    this.post({ type: 'withdrawn', ids })
  }

  /** Has the turns of a chat in `state.chats` from now on, for as long as it is one of the last few. */
  openChat(chat: string): void {
    const closed = this.openChats.open(chat)
    if (this.state.chats.has(chat)) return this.fetchMissing()
    const chats = new Map(this.state.chats)
    for (const id of closed) chats.delete(id)
    this.state = { ...this.state, chats: chats.set(chat, emptyChat(chat)) }
    void this.read(chat)
  }

  /** Whether turns of it are still being read or fetched. */
  isOpening(chat: string): boolean {
    return this.openChats.isOpening(chat)
  }

  /** Of one chat, as far as they are here, for an export. */
  events(chat: string): Promise<Event[]> {
    return this.disk.events(chat)
  }

  /** Nothing waits to be taken or written. */
  async settled(): Promise<void> {
    do {
      await this.waiting
      await this.disk.idle()
    } while (this.waiting && !this.isOver)
  }

  /** Ends it; what is on disk stays. */
  close(): void {
    this.end()
    this.disk.close()
  }

  /** Ends it and leaves nothing on this device. */
  async destroy(): Promise<void> {
    this.end()
    await this.disk.destroy()
  }

  private end(): void {
    this.isOver = true
    this.state = nothing
    this.inbox.length = 0
    this.needs.broadcast?.close()
  }

  private async storage(): Promise<ReplicaStorage> {
    const storage = await this.needs.storage().catch(() => null)
    this.isOnDisk = storage !== null
    return storage ?? new MemoryReplica()
  }

  private async load(): Promise<void> {
    const { broadcast } = this.needs
    const news: News[] = []
    if (broadcast) broadcast.onMessage = (message) => void (isNews(message) && news.push(message))
    const kept = await this.disk.open(this.storage())
    if (this.isOver) return
    this.begin(kept)
    if (broadcast) broadcast.onMessage = (message) => this.hear(message)
    for (const one of news) this.hear(one)
    this.waiting = null
    this.isOpen = true
    this.drain()
    this.changed()
    this.pump()
  }

  /** What was done before it was read comes after what is kept. */
  private begin({ meta, heads, outbox }: Kept): void {
    const loaded: ChatsState = {
      ...this.state,
      ...meta,
      heads: new Map(heads.map((head) => [head.id, head])),
      pending: [...outbox, ...this.state.pending],
    }
    this.state = loaded
    this.commit(settle(loaded))
    for (const chat of loaded.chats.keys()) void this.read(chat)
  }

  private drain(): void {
    while (this.isOpen && !this.waiting) {
      const message = this.inbox.shift()
      if (!message) return
      const isPage = message.type === 'history' || message.type === 'chat_history'
      if (isPage) this.waiting = this.takePage(message)
      else this.apply(message)
    }
  }

  /** What comes after it waits, and it waits for the disk: both are in order, and memory is small. */
  private async takePage(page: Page): Promise<void> {
    const events = await this.unpacked(page)
    if (!this.disk.hasRoom) await this.disk.idle()
    if (this.isOver) return
    this.waiting = null
    if (events) this.apply({ ...page, events })
    else this.miss()
    this.drain()
  }

  private async unpacked({ packed }: Page): Promise<Event[] | null> {
    try {
      return await this.needs.unpack(packed)
    } catch {
      return null
    }
  }

  private apply(message: Taken): void {
    if (message.type === 'welcome') this.isDeaf = false
    else if (this.isDeaf && message.type !== 'acknowledged' && message.type !== 'error') {
      if (message.type === 'events' || message.type === 'history') this.needs.resync()
      return
    }
    const before = this.state
    const { state, resync, refused, events } = reduce(before, message)
    const isLive = message.type === 'delta' || message.type === 'draft'
    if (state !== before) this.commit(state, events, isLive ? 'live' : 'all')
    if (message.type === 'welcome' && state.log !== before.log) this.begunAnew()
    if (message.type === 'chat_history' && message.complete) this.openChats.fetched(message.chat)
    if (message.type === 'acknowledged') this.acknowledged(message, before)
    if (message.type === 'error' && message.re) this.refused(message.re, message.code)
    if (refused) this.needs.onRefused(refused)
    if (!resync) return
    if (message.type === 'history') this.miss()
    else this.needs.resync()
  }

  /** Nothing of what was open is here any more. */
  private begunAnew(): void {
    this.openChats.restart()
    this.fetchMissing()
    this.pump()
  }

  private miss(): void {
    this.isDeaf = true
    this.needs.resync()
  }

  private acknowledged({ id, seq }: Acknowledged, { pending }: ChatsState): void {
    const was = pending.find(({ command }) => command.id === id)
    const now = { state: 'acknowledged', seq, code: null, excess: null } as const
    if (was) this.post({ type: 'changed', log: this.state.log, pending: [{ ...was, ...now }] })
    this.sender.answered(id)
    this.pump()
  }

  private refused(id: string, code: ErrorCode): void {
    if (passing.includes(code)) {
      this.sender.putOff(id)
      return this.pumpLater(1000)
    }
    const pending = this.state.pending.filter(({ command }) => command.id === id)
    this.post(pending.length > 0 ? { type: 'changed', log: this.state.log, pending } : { type: 'withdrawn', ids: [id] })
    this.sender.answered(id)
    this.pump()
  }

  /** From one state to the next: what is to be kept of it is on its way to the disk at once. */
  private commit(next: ChatsState, events: readonly Event[] = [], what: 'all' | 'live' = 'all'): void {
    const before = this.state
    this.state = next
    const change = what === 'live' ? null : changeBetween(before, next, events)
    if (change) {
      const written = this.disk.write(change)
      const chats = new Set(change.events?.map((event) => ('chat' in event ? event.chat : '')))
      chats.delete('')
      const { erase = [] } = change
      const { full, kept } = this
      void written.then(() => {
        if (chats.size + erase.length > 0) this.needs.onTouched?.([...chats], erase)
        if (full !== this.full || kept !== this.kept) this.changed()
      })
    }
    if (before !== next || events.length > 0) this.needs.onChange(what)
  }

  private changed(): void {
    this.needs.onChange('all')
  }

  private async keep(added: readonly Pending[]): Promise<void> {
    const ids = added.map(({ command }) => command.id)
    this.sender.writing(ids)
    await this.disk.write({ add: added })
    this.sender.written(ids)
    if (this.isOver) return
    this.post({ type: 'added', log: this.state.log, pending: added })
    if (this.full) this.changed()
    this.pump()
  }

  /** A tab that died may have told nobody what it did last; then sends what there is. */
  private async refresh(): Promise<void> {
    const outbox = this.needs.broadcast && this.isOpen ? await this.disk.outbox() : null
    if (this.isOver) return
    if (outbox) {
      const mine = new Map(this.state.pending.map((one) => [one.command.id, one]))
      const left = outbox.filter(({ command }) => !this.disk.isRemoving(command.id))
      const there = new Set(left.map(({ command }) => command.id))
      const pending = [
        ...left.map((one) => mine.get(one.command.id) ?? one),
        ...this.state.pending.filter(
          ({ command }) => !there.has(command.id) && this.sender.isWriting(command.id),
        ),
      ]
      const isSame = pending.every((one, place) => one === this.state.pending[place])
      if (!isSame || pending.length !== this.state.pending.length) {
        this.state = { ...this.state, pending }
        this.changed()
      }
    }
    this.pump()
  }

  /** Sends what may be sent. Before the first time it is on disk that the PC may have it. */
  private pump(): void {
    if (!this.isOpen || this.isOver || this.isTelling || !this.needs.isConnected()) return
    const { send, tell, laterMs } = this.sender.due(this.state.pending, this.needs.now())
    for (const { command } of send) this.needs.send(command)
    if (tell.length > 0) void this.tell(tell)
    else if (laterMs !== null) this.pumpLater(laterMs)
  }

  private async tell(untold: readonly Pending[]): Promise<void> {
    this.isTelling = true
    const ids = new Set(untold.map(({ command }) => command.id))
    const pending = this.state.pending.map((one) =>
      ids.has(one.command.id) ? { ...one, told: true } : one,
    )
    const told = pending.filter((one) => ids.has(one.command.id))
    this.state = { ...this.state, pending }
    await this.disk.write({ replace: told })
    this.isTelling = false
    if (this.isOver) return
    this.post({ type: 'changed', log: this.state.log, pending: told })
    this.pump()
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

  private async read(chat: string): Promise<void> {
    const reading = this.openChats.beginReading(chat)
    const events = await this.disk.events(chat)
    if (this.isOver || !this.openChats.endReading(chat, reading)) return
    if (this.state.chats.has(chat)) this.state = addPast(this.state, events)
    this.fetchMissing()
    this.changed()
  }

  /** What of an open chat is not here yet is asked for once on each connection. */
  private fetchMissing(): void {
    if (!this.needs.isConnected() || this.isOver) return
    for (const chat of this.openChats.missing(this.state)) this.needs.send({ type: 'fetch_chat', chat })
  }

  private hear(message: unknown): void {
    if (this.isOver || !isNews(message)) return
    this.state = hear(this.state, message)
    this.changed()
    this.pump()
  }

  /** The other tabs are told of nothing that is not on disk. */
  private post(news: News): void {
    const { broadcast } = this.needs
    if (broadcast) void this.disk.idle().then(() => this.isOver || broadcast.post(news))
  }
}
