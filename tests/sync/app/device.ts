/** A browser with its tabs: the app's own engine in each, over a line to the PC and a shared disk. */
import type { ChatError, Event, FromChats, FromHome, ToHome } from '../../../pwa/src/protocol/generated'
import type { Broadcast } from '../../../pwa/src/storage/broadcast'
import { SyncEngine } from '../../../pwa/src/sync/engine'
import type { Random } from './random'
import { Disk, type DiskOfTab } from './disk'
import { unpack } from './tale'

/** One channel. What is under way on it arrives in order, or not at all. */
export interface Line {
  readonly number: number
  readonly up: ToHome[]
  readonly down: FromHome[]
  isWelcomed: boolean
  /** The PC ended it; what it said before still arrives. */
  isClosed: boolean
}

/** What a tab needs of the world around it. */
export interface Around {
  readonly random: Random
  /** Opens a channel to the PC; null while there is none. */
  connect(): Line | null
  cut(line: Line): void
  /** The tab says something, whether or not there is a line. */
  sent(tab: Tab, message: ToHome): void
  /** The tab is about to take a message. */
  heard(tab: Tab, message: FromHome): void
  /** The tab takes a page of these. */
  told(tab: Tab, events: readonly Event[]): void
  refused(tab: Tab, error: ChatError): void
  /** The tab says that it was not told something. */
  missed(tab: Tab): void
  later(ms: number, action: () => void): void
  nowMs(): number
}

export class Tab {
  readonly engine: SyncEngine
  /** The one in use, and one that is to take its place. */
  line: Line | null = null
  next: Line | null = null
  /** The oldest number that it said last to have. */
  private saidBefore = Infinity
  isOpen = false
  isGone = false
  private readonly disk: DiskOfTab

  constructor(
    readonly name: string,
    readonly device: Device,
    private readonly around: Around,
  ) {
    this.disk = device.disk.of()
    this.engine = new SyncEngine({
      storage: () => Promise.resolve(this.disk),
      broadcast: device.channel(this),
      now: () => around.nowMs() + device.skewMs,
      later: (ms, action) => around.later(ms, () => this.isGone || action()),
      isConnected: () => this.line?.isWelcomed ?? false,
      unpack: (packed) => {
        const events = unpack(packed)
        around.told(this, events)
        return Promise.resolve(events)
      },
      send: (message) => {
        if (this.isGone) return
        around.sent(this, message)
        this.line?.up.push(message)
      },
      resync: () => {
        if (this.isGone) return
        around.missed(this)
        this.hangUp()
      },
      onChange: () => undefined,
      onRefused: (error) => around.refused(this, error),
    })
    void this.engine.open().then(() => (this.isOpen = true))
  }

  /** Dials the PC; beside a line that is in use another road is tried, which then takes its place. */
  dial(): void {
    if (!this.isOpen || this.next) return
    const line = this.around.connect()
    if (!line) return
    const hello = this.engine.hello()
    this.around.sent(this, hello)
    line.up.push(hello)
    this.saidBefore = (hello.type === 'hello' && hello.before) || Infinity
    if (this.line?.isWelcomed) this.next = line
    else this.replace(line)
  }

  /**
   * It has begun anew since it said what it has: that was under way on the line before, or another
   * tab went over to another log.
   */
  get hasLess(): boolean {
    const { log, before } = this.engine.state
    return log === null || this.saidBefore < before
  }

  /** Whether something has arrived, or a line has ended. */
  get hasMail(): boolean {
    return [this.line, this.next].some((line) => line && (line.isClosed || line.down.length > 0))
  }

  /** Takes what has arrived, in order. */
  take(line: Line, count: number): void {
    for (const message of line.down.splice(0, count)) {
      if (this.isGone || (line !== this.line && line !== this.next)) return
      this.around.heard(this, message)
      this.engine.take(message as FromChats)
      if (message.type !== 'welcome') continue
      line.isWelcomed = true
      if (line === this.next) {
        const old = this.line
        this.line = this.next
        this.next = null
        this.engine.welcomed()
        if (old) this.around.cut(old)
      } else this.engine.welcomed()
    }
  }

  hangUp(): void {
    for (const line of [this.line, this.next]) if (line) this.around.cut(line)
    this.line = this.next = null
  }

  lose(line: Line): void {
    if (line === this.line) {
      this.line = this.next
      this.next = null
    } else if (line === this.next) this.next = null
    this.around.cut(line)
  }

  /** The tab is closed, or its process killed. */
  die(): void {
    this.isGone = true
    this.hangUp()
    this.device.disk.drop(this.disk, this.around.random)
  }

  private replace(line: Line): void {
    if (this.line) this.around.cut(this.line)
    this.line = line
  }
}

/** One browser: what its tabs share. */
export class Device {
  readonly disk = new Disk()
  readonly tabs: Tab[] = []
  /** By how much its clock is wrong. */
  skewMs = 0
  /** More than one tab was open at once, so that its disk may know what one of them does not. */
  hadSeveral = false
  private readonly listeners = new Map<Tab, Broadcast>()
  private posted: { to: Tab; message: unknown }[] = []

  constructor(
    readonly name: string,
    private readonly around: Around,
  ) {}

  get isBusy(): boolean {
    return this.posted.length > 0 || !this.disk.isIdle
  }

  /** Does some of what its disk has to do, and hands on some of what tabs told each other. */
  work(count: number): void {
    this.disk.go(count)
    this.spread(this.around.random.below(count))
  }

  /** It goes off at once: no tab, and nothing that was in memory. */
  losePower(): void {
    for (const tab of [...this.tabs]) this.close(tab)
    this.posted = []
    this.disk.losePower(this.around.random)
  }

  open(name: string): Tab {
    const tab = new Tab(name, this, this.around)
    this.tabs.push(tab)
    this.hadSeveral ||= this.tabs.length > 1
    return tab
  }

  close(tab: Tab): void {
    this.tabs.splice(this.tabs.indexOf(tab), 1)
    this.listeners.delete(tab)
    tab.die()
  }

  channel(tab: Tab): Broadcast {
    const channel: Broadcast = {
      post: (message) => {
        if (tab.isGone) return
        // Who opens its channel later does not hear it.
        for (const to of this.listeners.keys()) {
          if (to !== tab) this.posted.push({ to, message: structuredClone(message) })
        }
      },
      onMessage: () => undefined,
      close: () => this.listeners.delete(tab),
    }
    this.listeners.set(tab, channel)
    return channel
  }

  /** Hands on what tabs told each other. */
  spread(count: number): void {
    for (const { to, message } of this.posted.splice(0, count)) {
      this.listeners.get(to)?.onMessage(message)
    }
  }
}
