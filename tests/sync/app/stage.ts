/** What everybody stands on: the lines, the time, and the orders that the PC is given in lockstep. */
import type { ChatError, Command, Event, FromHome, ToHome } from '../../../pwa/src/protocol/generated'
import { isCounted } from './answers'
import type { Around, Device, Line, Tab } from './device'
import type { Came, Dump, Order, PcProcess } from './pc'
import { People } from './people'
import { Random } from './random'
import { command as tellCommand, message as tell, short } from './tale'
import { Told } from './told'
import { Truth } from './truth'

/** Orders that are of no interest, or told of elsewhere. */
const quiet: ReadonlySet<Order['do']> = new Set(['drain', 'cut', 'hear', 'connect'])

export class Stage implements Around {
  readonly random: Random
  readonly devices: Device[] = []
  readonly people: People
  readonly truth = new Truth()
  /** Whether the PC's power fails now and then, for which it has to be watched closely. */
  readonly losesPower: boolean
  isPcRunning = true
  didDiskFail = false
  /** The dust settles: nobody is away any more. */
  isCalm = false
  private readonly lines = new Map<number, Line>()
  private readonly away = new Map<Device, number>()
  private orders: Order[] = []
  private timers: { atMs: number; action: () => void }[] = []
  private passedMs = 0
  private lineCount = 0
  private tabCount = 0
  private readonly events = new Told()
  /** By tab, the log of which it hears. */
  private readonly logs = new WeakMap<Tab, string>()
  /** By device, how often its disk was written when it was last looked into. */
  private readonly looked = new Map<Device, number>()
  private mishap: string | null = null
  private step = 0

  constructor(
    seed: number,
    private readonly pc: PcProcess,
    readonly trace: ((line: string) => void) | null,
  ) {
    this.random = new Random(seed)
    this.people = new People(this.random, () => this.nowMs())
    this.losesPower = this.random.chance(0.4)
    this.do({ do: 'begin', seed, power: this.losesPower })
  }

  // What a tab needs of the world around it

  nowMs(): number {
    return 1_790_000_000_000 + this.passedMs
  }

  connect(): Line | null {
    if (!this.isPcRunning) return null
    const line: Line = { number: ++this.lineCount, up: [], down: [], isWelcomed: false, isClosed: false }
    this.lines.set(line.number, line)
    this.do({ do: 'connect', line: line.number })
    return line
  }

  cut(line: Line): void {
    if (!this.lines.delete(line.number)) return
    // It may end while the PC is busy with what was said on it.
    const last = line.up.slice(0, this.random.below(3))
    for (const message of last) this.arrives(line, message)
    line.up.length = line.down.length = 0
    this.truth.ended(line.number)
    if (this.isPcRunning) this.do({ do: 'cut', line: line.number, last })
  }

  sent(tab: Tab, message: ToHome): void {
    this.trace?.(`${tab.name} says on ${String(tab.line?.number)}: ${tell(message)}`)
    if ('id' in message) this.mishap ??= this.truth.breachOfSending(tab, message.id)
  }

  heard(tab: Tab, message: FromHome): void {
    // The tab may have yet to take the welcome.
    if (message.type === 'welcome') this.logs.set(tab, message.log)
    if (message.type === 'events') this.events.of(this.logs.get(tab) ?? null, message.events)
    if (message.type !== 'heartbeat') this.trace?.(`${tab.name} hears ${tell(message)}`)
  }

  told(tab: Tab, events: readonly Event[]): void {
    this.events.of(tab.engine.state.log, events)
  }

  refused(tab: Tab, error: ChatError): void {
    this.trace?.(`${tab.name} is told of ${error.code}`)
  }

  missed(tab: Tab): void {
    this.trace?.(`${tab.name} has missed something`)
    // Of a line that holds nothing is lost, so that the PC has left something out.
    if (tab.hasLess) return
    this.mishap ??= `${tab.name} was not told something, on a line that loses nothing.`
  }

  later(ms: number, action: () => void): void {
    this.timers.push({ atMs: this.passedMs + ms, action })
  }

  // Tabs, lines and time

  /** Somebody wants that on a tab. */
  did(tab: Tab, command: Command): void {
    this.trace?.(`${tab.name} wants ${tellCommand(command)}`)
    this.truth.did(tab, command)
    if (command.type === 'delete_chat') this.events.deletes(command.chat)
  }

  open(device: Device | undefined): void {
    const tab = device?.open(`${device.name}${++this.tabCount}`)
    if (!device || !tab) return
    this.trace?.(`${tab.name} opens`)
    this.looked.delete(device)
  }

  close(tab: Tab | undefined): void {
    if (!tab) return
    this.trace?.(`${tab.name} closes`)
    tab.device.close(tab)
    this.truth.lost(tab)
  }

  sendAway(device: Device, steps: number): void {
    this.away.set(device, this.step + steps)
  }

  isAway(device: Device): boolean {
    return !this.isCalm && (this.away.get(device) ?? 0) > this.step
  }

  /** Lines on which something is on its way to the PC. */
  linesUp(): Line[] {
    return [...this.lines.values()].filter((line) => line.up.length > 0)
  }

  carryUp(line: Line | undefined, count: number): void {
    if (!line) return
    for (const message of line.up.splice(0, count)) {
      this.arrives(line, message)
      this.do({ do: 'hear', line: line.number, message })
    }
  }

  private arrives(line: Line, message: ToHome): void {
    if ('id' in message) this.truth.arrived(line.number, message.id)
    this.trace?.(`  the PC hears on ${line.number}: ${tell(message)}`)
  }

  carryDown(tab: Tab | undefined, count: number): void {
    if (!tab) return
    for (const line of [tab.line, tab.next]) {
      if (!line) continue
      const before = line.down.length
      tab.take(line, count)
      const taken = before - line.down.length
      if (taken > 0 && this.lines.has(line.number)) this.do({ do: 'drain', line: line.number, count: taken })
      if (line.isClosed && line.down.length === 0) tab.lose(line)
    }
  }

  pass(ms: number): void {
    this.passedMs += ms
    this.do({ do: 'pass', ms })
    const due = this.timers.filter(({ atMs }) => atMs <= this.passedMs)
    this.timers = this.timers.filter(({ atMs }) => atMs > this.passedMs)
    for (const { action } of due) action()
  }

  /** Somebody puts the backup back by hand, and the tab is the first that comes. */
  putBack(tab: Tab): void {
    tab.hangUp()
    this.do({ do: 'putback' })
    this.truth.restored()
    this.events.forget()
    tab.dial()
    if (tab.line) this.carryUp(tab.line, 1)
  }

  // The machinery

  do(order: Order): void {
    this.orders.push(order)
  }

  /** A step is over: everybody goes on until they wait for something that is yet to happen. */
  async endStep(): Promise<void> {
    await this.rest()
    this.step++
    await this.watchDisks()
  }

  async rest(): Promise<Came | null> {
    let came: Came | null = null
    for (;;) {
      if (this.orders.length > 0) came = this.tell()
      await new Promise(setImmediate)
      this.watch()
      if (this.orders.length === 0) return came
    }
  }

  async dump(gone: readonly string[]): Promise<Dump> {
    this.do({ do: 'dump', gone })
    const came = await this.rest()
    if (!came?.dump) throw new Error('The PC told nothing.')
    return came.dump
  }

  /** What must hold at any moment. */
  private watch(): void {
    if (this.mishap) throw new Error(this.mishap)
    for (const { tabs } of this.devices) {
      for (const { name, engine } of tabs) {
        const { chats, gone, live } = engine.state
        for (const [answer, { text }] of live) {
          if (!isCounted(answer, text)) throw new Error(`${name} shows ${short(answer)} as ${text}`)
        }
        for (const chat of gone) {
          if (chats.get(chat)?.turns.length) throw new Error(`${name} shows ${short(chat)}, which it knows is gone.`)
        }
      }
    }
  }

  /** Looks into disks that a tab goes on from, and those that two write. */
  private async watchDisks(): Promise<void> {
    for (const device of this.devices) {
      const { disk, tabs } = device
      const looked = this.looked.get(device)
      if (looked === disk.writes || (looked !== undefined && tabs.length < 2)) continue
      this.looked.set(device, disk.writes)
      this.mishap ??= await this.events.breachOfDisk(device)
    }
    this.watch()
  }

  private tell(): Came {
    const orders = this.orders
    this.orders = []
    for (const { do: what, ...how } of orders) {
      if (!quiet.has(what)) this.trace?.(`  ${what} ${JSON.stringify(how)}`)
    }
    const came = this.pc.tell(orders)
    for (const [number, message] of came.sent) {
      this.truth.pcSaid(number, message)
      this.lines.get(number)?.down.push(message)
    }
    for (const number of came.closed) {
      this.truth.ended(number)
      const line = this.lines.get(number)
      if (line) line.isClosed = true
    }
    if (this.isPcRunning && !came.running) this.pcDied()
    this.isPcRunning = came.running
    return came
  }

  private pcDied(): void {
    this.trace?.('  the PC is dead')
    for (const line of this.lines.values()) {
      this.truth.ended(line.number)
      line.isClosed = true
      line.up.length = 0
      line.down.splice(this.random.below(line.down.length + 1))
    }
  }
}
