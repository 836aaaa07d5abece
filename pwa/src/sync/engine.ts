/** A replica of the PC's log, kept up to date, and an outbox for what it has not acknowledged. */
import { add, withdraw } from '../chat/commands'
import { addPast } from '../chat/events'
import { emptyChat } from '../chat/fold'
import { type ChatsState, nothing } from '../chat/model'
import { reduce, settle, type Taken } from '../chat/reducer'
import {
  type ChatError,
  type Command,
  type Event,
  type FromChats,
  type ToHome,
  VERSION,
} from '../protocol/generated'
import type { Broadcast } from '../storage/broadcast'
import { MemoryReplica } from '../storage/memoryReplica'
import type { Kept, ReplicaStorage } from '../storage/replica'
import type { Stranded } from '../chat/stranded'
import { changeBetween } from './change'
import { Disk } from './disk'
import { Inbox } from './inbox'
import { OpenChats } from './openChats'
import { Outbox } from './outbox'

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
  onRefused: (error: ChatError, command?: Command) => void
  /** On disk something was added to these chats, or they are gone from it. */
  onTouched?: (chats: readonly string[], erased: readonly string[]) => void
}

/** The PC allows no more in one hello. */
const draftsInHello = 64

export class SyncEngine {
  state: ChatsState = nothing
  /** Of how many chats there is something here that the PC lost to an older backup. */
  strandedChats = 0
  private readonly disk = new Disk()
  private readonly openChats = new OpenChats()
  private readonly inbox: Inbox
  private readonly outbox: Outbox
  private isOnDisk = false
  /** A page was missed: what the same connection says next would leave a hole. */
  private isDeaf = false
  /** How often what it had was dropped for what the PC has. */
  private beginnings = 0
  private isOver = false

  constructor(private readonly needs: EngineNeeds) {
    this.inbox = new Inbox({
      unpack: needs.unpack,
      room: async () => (this.disk.hasRoom ? undefined : this.disk.idle()),
      take: (message) => this.apply(message),
      miss: () => this.miss(),
    })
    this.outbox = new Outbox(this.disk, {
      ...needs,
      state: () => this.state,
      show: (state) => this.show(state),
    })
  }

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
    return this.inbox.hold(this.load())
  }

  /** The first message on a connection. */
  hello(): ToHome {
    // What came on a line that has ended would come again, since this is said of what was taken.
    if (!this.needs.isConnected()) this.inbox.clear()
    const { log, after, before, isListing, live } = this.state
    // Half a list of chats is nothing to go on from.
    if (log === null || isListing) return { type: 'hello', version: VERSION }
    const drafts = [...live].map(([answer, { next }]) => ({ answer, index: next }))
    const some = drafts.slice(-draftsInHello)
    return { type: 'hello', version: VERSION, log, after, before, drafts: some }
  }

  take(message: FromChats): void {
    if (!this.isOver) this.inbox.push(message)
  }

  /** The PC has welcomed us on the connection in use: sends what it has not acknowledged. */
  welcomed(): void {
    this.openChats.beginConnection()
    this.fetchMissing()
    void this.outbox.begin()
  }

  /** Shown at once, on disk before it is sent, sent in order until it is acknowledged. */
  perform(commands: readonly Command[]): void {
    if (commands.length === 0) return
    const { pending } = this.state
    this.show(add(this.state, commands, this.needs.now(), this.needs.isConnected()))
    void this.outbox.add(this.state.pending.slice(pending.length))
  }

  /** Puts a command in the place of the one of the same id, which the PC cannot have yet. */
  replace(command: Command): void {
    const before = this.state
    const pending = before.pending.map((one) =>
      one.command.id === command.id ? { ...one, command } : one,
    )
    this.commit({ ...before, pending })
    this.outbox.post({ type: 'changed', pending: pending.filter((one) => one.command === command) })
  }

  /** Takes commands back that were not acknowledged. */
  withdraw(ids: readonly string[]): void {
    this.commit(withdraw(this.state, ids))
    this.outbox.post({ type: 'withdrawn', ids })
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
    return this.openChats.isOpening(chat, this.needs.isConnected())
  }

  /** Whether there may be turns of it that are not here. */
  misses(chat: string): boolean {
    return this.openChats.misses(this.state, chat)
  }

  /** Of one chat, as far as they are here, for an export. */
  async events(chat: string): Promise<Event[]> {
    const { log } = this.state
    return log === null ? [] : this.disk.events(chat, log)
  }

  /** What is here of them. */
  async stranded(): Promise<Stranded[]> {
    const stranded = await this.disk.stranded()
    this.countStranded(stranded)
    return stranded
  }

  /** Nothing of these chats is to be brought back any more. */
  async land(chats: readonly string[]): Promise<void> {
    await this.disk.write({ land: chats })
    await this.stranded()
  }

  /** Nothing waits to be taken or written. */
  async settled(): Promise<void> {
    do {
      await this.inbox.busy
      await this.disk.idle()
    } while (this.inbox.busy)
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
    this.inbox.close()
    this.outbox.close()
  }

  private async storage(): Promise<ReplicaStorage> {
    const storage = await this.needs.storage().catch(() => null)
    this.isOnDisk = storage !== null
    return storage ?? new MemoryReplica()
  }

  private async load(): Promise<void> {
    const goOn = this.outbox.listen()
    const kept = await this.disk.open(this.storage())
    if (this.isOver) return
    this.begin(kept)
    this.show(this.state)
    goOn()
    void this.stranded()
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

  private apply(message: Taken): void {
    if (message.type === 'welcome') this.isDeaf = false
    else if (this.isDeaf && message.type !== 'acknowledged' && message.type !== 'error') {
      if (message.type === 'events' || message.type === 'history') this.needs.resync()
      return
    }
    const before = this.state
    const { state, resync, refused, command, events } = reduce(before, message)
    const isLive = message.type === 'delta' || message.type === 'draft'
    const common = message.type === 'welcome' ? message.common : 0
    if (state !== before) this.commit(state, events, isLive ? 'live' : 'all', common)
    if (message.type === 'welcome' && state.chats !== before.chats) this.begunAnew()
    if (message.type === 'chat_history' && message.complete) this.openChats.fetched(message.chat)
    if (message.type === 'acknowledged') this.outbox.acknowledged(message, before.pending)
    if (message.type === 'error' && message.re) this.outbox.refused(message.re, message.code)
    if (refused) this.needs.onRefused(refused, command)
    if (!resync) return
    if (message.type === 'history' || message.type === 'welcome') this.miss()
    else this.needs.resync()
  }

  /** Nothing of what was open is here any more. */
  private begunAnew(): void {
    this.beginnings++
    this.openChats.restart()
    this.fetchMissing()
    this.outbox.pump()
  }

  private miss(): void {
    this.isDeaf = true
    this.needs.resync()
  }

  /** From one state to the next: what is to be kept of it is on its way to the disk at once. */
  private commit(
    next: ChatsState,
    events: readonly Event[] = [],
    what: 'all' | 'live' = 'all',
    common = 0,
  ): void {
    const before = this.state
    this.state = next
    const change = what === 'live' ? null : changeBetween(before, next, events, common)
    if (change) {
      const written = this.disk.write(change)
      const chats = new Set(change.events?.map((event) => ('chat' in event ? event.chat : '')))
      chats.delete('')
      const { erase = [] } = change
      const { full, kept, beginnings } = this
      void written.then(() => {
        if (chats.size + erase.length > 0) this.needs.onTouched?.([...chats], erase)
        if (this.disk.apart && beginnings === this.beginnings) this.beginAnew()
        if (full !== this.full || kept !== this.kept) this.show(this.state)
        const mayStrand = change.clear !== undefined || change.isList || erase.length > 0
        if (mayStrand && !this.isOver) void this.stranded()
      })
    }
    if (before !== next || events.length > 0) this.needs.onChange(what)
  }

  /** What it goes on from is on this device no more: it asks for all there is, and shows this until then. */
  private beginAnew(): void {
    if (this.isOver || this.state.log === null) return
    this.state = { ...this.state, log: null }
    this.needs.resync()
  }

  /** What was to be kept of it is on its way. */
  private show(state: ChatsState): void {
    this.state = state
    this.needs.onChange('all')
  }

  private countStranded(stranded: readonly Stranded[]): void {
    const count = new Set(stranded.map(({ chat }) => chat)).size
    if (this.isOver || count === this.strandedChats) return
    this.strandedChats = count
    this.show(this.state)
  }

  private async read(chat: string): Promise<void> {
    const reading = this.openChats.beginReading(chat)
    const events = await this.events(chat)
    if (this.isOver || !this.openChats.endReading(chat, reading)) return
    const { state } = this
    // What no list names may have been deleted: the disk is told of that later.
    const isThere = state.chats.has(chat) && state.heads.has(chat)
    this.show(isThere ? addPast(state, events) : state)
    this.fetchMissing()
  }

  /** What of an open chat is not here yet is asked for once on each connection. */
  private fetchMissing(): void {
    if (!this.needs.isConnected() || this.isOver) return
    for (const chat of this.openChats.missing(this.state)) this.needs.send({ type: 'fetch_chat', chat })
  }
}
