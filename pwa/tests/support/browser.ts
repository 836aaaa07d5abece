/** A browser with its tabs, each with an engine of its own, on one replica and one outbox. */
import type { Command, FromChats } from '../../src/protocol/generated'
import type { Broadcast } from '../../src/storage/broadcast'
import { MemoryReplica } from '../../src/storage/memoryReplica'
import type { Change, Cursor, ReplicaStorage } from '../../src/storage/replica'
import { SyncEngine } from '../../src/sync/engine'
import { PcLine, plainUnpack, type TestPc } from './pc'

/** The replica as one tab has it: what a tab writes that has died reaches no disk. */
class Handle implements ReplicaStorage {
  isDead = false

  constructor(private readonly replica: ReplicaStorage) {}

  load = () => this.replica.load()
  events = (chat: string, log?: string) => this.replica.events(chat, log)
  all = (after: Cursor | null, limit: number) => this.replica.all(after, limit)
  stranded = () => this.replica.stranded()
  destroy = () => this.replica.destroy()

  write(change: Change): Promise<boolean> {
    return this.isDead ? new Promise(() => undefined) : this.replica.write(structuredClone(change))
  }

  close(): void {
    this.isDead = true
  }
}

export class TestTab {
  readonly engine: SyncEngine
  line: PcLine | null = null
  resyncs = 0
  refused: string[] = []
  touched: string[] = []
  private readonly handle: Handle
  private timers: (() => void)[] = []

  constructor(readonly browser: TestBrowser) {
    this.handle = new Handle(browser.replica)
    const broadcast: Broadcast = {
      post: (message) => browser.tell(this, message),
      onMessage: () => undefined,
      close: () => undefined,
    }
    this.hear = (message) => broadcast.onMessage(message)
    this.engine = new SyncEngine({
      storage: () => browser.open(this.handle),
      broadcast,
      now: () => browser.nowMs,
      later: (_, action) => this.timers.push(action),
      unpack: browser.unpack,
      isConnected: () => this.line !== null,
      send: (message) => this.line?.hear(message),
      resync: () => {
        this.resyncs++
        this.line = null
      },
      onChange: () => undefined,
      onRefused: ({ code }) => this.refused.push(code),
      onTouched: (chats, erased) => this.touched.push(...chats, ...erased.map((one) => `-${one}`)),
    })
  }

  hear: (message: unknown) => void

  connect(pc: TestPc): void {
    const line = new PcLine(pc)
    line.hear(this.engine.hello())
    this.line = line
    const welcome = line.next()
    if (welcome) this.engine.take(welcome)
    this.engine.welcomed()
  }

  /** Takes the next thing that the PC says; whether there was one. */
  take(): boolean {
    const message = this.line?.next() ?? null
    if (message) this.engine.take(message)
    return message !== null
  }

  say(message: FromChats): void {
    this.engine.take(message)
  }

  commands(): Command[] {
    return (this.line?.sent ?? []).filter((one): one is Command => 'id' in one)
  }

  /** Everything that the PC has to say is taken, and everything is on disk. */
  async quiet(): Promise<void> {
    for (;;) {
      await this.engine.settled()
      await turn()
      this.browser.nowMs += 1_000
      for (const action of this.timers.splice(0)) action()
      if (!this.take() && this.timers.length === 0) break
    }
  }

  /** As when a browser kills it: nothing more of it is written. */
  die(): void {
    this.handle.isDead = true
    this.line = null
    this.engine.close()
    this.browser.tabs.delete(this)
  }

  get state() {
    return this.engine.state
  }
}

export class TestBrowser {
  nowMs = 1_000
  unpack = plainUnpack
  /** Null: it keeps nothing. */
  open: (handle: ReplicaStorage) => Promise<ReplicaStorage | null> = (handle) => Promise.resolve(handle)
  readonly tabs = new Set<TestTab>()
  private readonly under: { from: TestTab; message: unknown }[] = []

  constructor(public replica: ReplicaStorage = new MemoryReplica()) {}

  async tab(): Promise<TestTab> {
    const tab = new TestTab(this)
    this.tabs.add(tab)
    await tab.engine.open()
    return tab
  }

  tell(from: TestTab, message: unknown): void {
    this.under.push({ from, message: structuredClone(message) })
  }

  /** What tabs told each other arrives. */
  spread(): void {
    for (const { from, message } of this.under.splice(0)) {
      for (const tab of this.tabs) if (tab !== from) tab.hear(message)
    }
  }
}

export async function turn(): Promise<void> {
  for (let turns = 0; turns < 12; turns++) await Promise.resolve()
}

