/** One run: people, devices, the PC and all that can happen to them, in the order of one seed. */
import type { ChatError, FromHome, ToHome } from '../../../pwa/src/protocol/generated'
import { isCounted } from './answers'
import { Device, type Around, type Line, type Tab } from './device'
import { type Came, type Dump, type Order, type PcProcess } from './pc'
import { deeds, People, wordOf } from './people'
import { Random } from './random'
import { command as tellCommand, message as tell, short } from './tale'
import { Truth } from './truth'
import { breachesOfDisk, breachesOfTab, breachesOfTheLog, deletedIn } from './verdict'

/** What the scheduler can do next, and how often it does where it can. */
const happenings = {
  deed: 12,
  carryUp: 20,
  carryDown: 24,
  time: 14,
  disk: 12,
  dial: 16,
  look: 4,
  openTab: 4,
  anotherTab: 0.6,
  anotherRoad: 0.5,
  cut: 1.2,
  closeTab: 0.8,
  loseBattery: 0.3,
  setClock: 0.4,
  goAway: 0.4,
  takeBack: 0.5,
  killPc: 0.8,
  stopPc: 0.15,
  startPc: 8,
  failDisk: 0.3,
  backUp: 0.2,
  restore: 0.08,
}
type Happening = keyof typeof happenings

/** Orders that are of no interest, or told of elsewhere. */
const quiet: ReadonlySet<Order['do']> = new Set(['drain', 'cut', 'hear', 'connect'])

/** So many chats an engine has open at least. */
const openAtOnce = 8

/** So many deeds are done in one run, and so many steps are taken at most. */
const fewestDeeds = 6
const mostDeeds = 26
const mostSteps = 900

export class World implements Around {
  readonly random: Random
  private readonly devices: Device[] = []
  private readonly people: People
  private readonly truth = new Truth()
  private readonly lines = new Map<number, Line>()
  private readonly away = new Map<Device, number>()
  private orders: Order[] = []
  private timers: { atMs: number; action: () => void }[] = []
  private passedMs = 0
  private lineCount = 0
  private tabCount = 0
  private isPcRunning = true
  private wasBackedUp = false
  private didDiskFail = false
  private mishap: string | null = null
  private isCalm = false
  private step = 0
  private deedsLeft = 0

  constructor(
    private readonly seed: number,
    private readonly pc: PcProcess,
    private readonly trace: ((line: string) => void) | null,
  ) {
    this.random = new Random(seed)
    this.people = new People(this.random, () => this.nowMs())
  }

  nowMs(): number {
    return 1_790_000_000_000 + this.passedMs
  }

  /** Plays it to the end; throws at the first breach. */
  async play(): Promise<void> {
    this.do({ do: 'begin', seed: this.seed })
    const count = this.random.pick([1, 2, 2, 3, 3, 4, 5]) ?? 1
    for (let index = 0; index < count; index++) {
      const device = new Device('ABCDE'[index] ?? '?', this)
      device.disk.isSlow = this.random.chance(0.5)
      this.devices.push(device)
      this.open(device)
    }
    this.deedsLeft = fewestDeeds + this.random.below(mostDeeds - fewestDeeds)
    for (; this.step < mostSteps && this.deedsLeft > 0; this.step++) {
      this.happen()
      await this.rest()
    }
    await this.settle()
  }

  // Around

  connect(): Line | null {
    if (!this.isPcRunning) return null
    const line: Line = { number: ++this.lineCount, up: [], down: [], isWelcomed: false, isClosed: false }
    this.lines.set(line.number, line)
    this.do({ do: 'connect', line: line.number })
    return line
  }

  cut(line: Line): void {
    if (!this.lines.delete(line.number)) return
    line.up.length = line.down.length = 0
    if (this.isPcRunning) this.do({ do: 'cut', line: line.number })
  }

  sent(tab: Tab, message: ToHome): void {
    this.trace?.(`${tab.name} says on ${String(tab.line?.number)}: ${tell(message)}`)
    if ('id' in message) this.truth.sent(tab, message.id)
  }

  heard(tab: Tab, message: FromHome): void {
    if (message.type !== 'heartbeat') this.trace?.(`${tab.name} hears ${tell(message)}`)
  }

  refused(tab: Tab, error: ChatError): void {
    this.trace?.(`${tab.name} is told of ${error.code}`)
  }

  missed(tab: Tab): void {
    this.trace?.(`${tab.name} has missed something`)
    // Of a line that holds nothing is lost, so that the PC has left something out.
    this.mishap ??= `${tab.name} was not told something, on a line that loses nothing.`
  }

  later(ms: number, action: () => void): void {
    this.timers.push({ atMs: this.passedMs + ms, action })
  }

  // What happens

  private happen(): void {
    const { random } = this
    const here = this.devices.filter((device) => !this.isAway(device))
    const tabs = this.devices.flatMap((device) => device.tabs)
    const open = tabs.filter((tab) => tab.isOpen)
    const idle = open.filter((tab) => !tab.line && !this.isAway(tab.device))
    const up = [...this.lines.values()].filter((line) => line.up.length > 0)
    const down = tabs.filter((tab) => tab.hasMail)
    const busy = this.devices.filter((device) => device.isBusy)
    const can: Record<Happening, number> = {
      ...happenings,
      deed: open.length && happenings.deed,
      carryUp: up.length && happenings.carryUp,
      carryDown: down.length && happenings.carryDown,
      disk: busy.length && happenings.disk,
      dial: this.isPcRunning && idle.length ? happenings.dial : 0,
      look: open.length && happenings.look,
      openTab: here.some(({ tabs }) => tabs.length === 0) ? happenings.openTab : 0,
      startPc: this.isPcRunning ? 0 : happenings.startPc,
      restore: this.wasBackedUp ? happenings.restore : 0,
    }
    const what = random.weighed(can)
    const device = random.pick(here) ?? this.devices[0]
    const tab = random.pick(tabs)
    switch (what) {
      case 'deed':
        this.deedsLeft--
        return this.act(random.pick(open))
      case 'carryUp':
        return this.carryUp(random.pick(up), 1 + random.below(6))
      case 'carryDown':
        return this.carryDown(random.pick(down), 1 + random.below(10))
      case 'time':
        return this.pass(random.pick([5, 40, 40, 200, 200, 1000, 3000]) ?? 1)
      case 'disk':
        return random.pick(busy)?.work(1 + random.below(8))
      case 'dial':
        return random.pick(idle)?.dial()
      case 'anotherRoad':
        return random.pick(open.filter((one) => one.line && !one.next))?.dial()
      case 'look':
        return this.look(random.pick(open))
      case 'openTab':
        return this.open(random.pick(here.filter(({ tabs }) => tabs.length === 0)))
      case 'anotherTab':
        return this.open(random.pick(here.filter(({ tabs }) => tabs.length === 1)))
      case 'cut':
        return this.cutSome(tab)
      case 'closeTab':
        return this.close(tab)
      case 'loseBattery':
        return this.loseBattery(device)
      case 'setClock':
        return this.setClock(device)
      case 'goAway':
        return this.goAway(device)
      case 'takeBack':
        return this.takeBack(tab)
      default:
        return this.happenToPc(what)
    }
  }

  private happenToPc(what: Happening): void {
    const { random } = this
    switch (what) {
      case 'killPc':
        if (!this.isPcRunning) return
        if (random.chance(0.2)) return this.do({ do: 'kill' })
        return this.do({ do: 'killat', writes: 1 + random.below(12), after: random.chance(0.5) })
      case 'stopPc':
        return this.isPcRunning ? this.do({ do: 'stop' }) : undefined
      case 'startPc':
        if (this.isPcRunning) return
        return this.do(random.chance(0.15) ? { do: 'start', kill_at: 1 + random.below(6) } : { do: 'start' })
      case 'failDisk':
        if (!this.isPcRunning) return
        this.didDiskFail = true
        return this.do({ do: 'fail', first: 1 + random.below(6), count: 1 + random.below(8) })
      case 'backUp':
        if (!this.isPcRunning) return
        this.truth.backUp()
        this.wasBackedUp = true
        return this.do({ do: 'backup' })
      case 'restore':
        if (!this.wasBackedUp) return
        this.do({ do: 'restore' })
        return this.truth.restored()
    }
  }

  private act(tab: Tab | undefined): void {
    if (!tab) return
    const commands = this.people.want(this.random.weighed(deeds), tab)
    if (commands.length === 0) return
    for (const command of commands) {
      this.trace?.(`${tab.name} wants ${tellCommand(command)}`)
      this.truth.did(tab, command)
    }
    tab.engine.perform(commands)
  }

  private carryUp(line: Line | undefined, count: number): void {
    if (!line) return
    for (const message of line.up.splice(0, count)) {
      if ('id' in message) this.truth.arrived(message.id)
      this.trace?.(`  the PC hears on ${line.number}: ${tell(message)}`)
      this.do({ do: 'hear', line: line.number, message })
    }
  }

  private carryDown(tab: Tab | undefined, count: number): void {
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

  private pass(ms: number): void {
    this.passedMs += ms
    this.do({ do: 'pass', ms })
    const due = this.timers.filter(({ atMs }) => atMs <= this.passedMs)
    this.timers = this.timers.filter(({ atMs }) => atMs > this.passedMs)
    for (const { action } of due) action()
  }

  private look(tab: Tab | undefined): void {
    const chat = tab?.isOpen ? this.random.pick([...tab.engine.state.heads.keys()]) : undefined
    if (chat) tab?.engine.openChat(chat)
  }

  private cutSome(tab: Tab | undefined): void {
    const line = tab?.next && this.random.chance(0.5) ? tab.next : tab?.line
    if (!tab || !line) return
    this.trace?.(`${tab.name} loses line ${line.number}`)
    tab.lose(line)
  }

  private open(device: Device | undefined): void {
    const tab = device?.open(`${device.name}${++this.tabCount}`)
    if (tab) this.trace?.(`${tab.name} opens`)
  }

  private close(tab: Tab | undefined): void {
    if (!tab) return
    this.trace?.(`${tab.name} closes`)
    tab.device.close(tab)
    this.truth.lost(tab)
  }

  private goAway(device: Device | undefined): void {
    if (!device) return
    this.trace?.(`${device.name} goes away`)
    this.away.set(device, this.step + 20 + this.random.below(80))
    for (const tab of [...device.tabs]) {
      if (this.random.chance(0.5)) this.close(tab)
      else tab.hangUp()
    }
  }

  private loseBattery(device: Device | undefined): void {
    if (!device) return
    this.trace?.(`${device.name} loses its power`)
    const tabs = [...device.tabs]
    device.losePower()
    for (const tab of tabs) this.truth.lost(tab)
  }

  private setClock(device: Device | undefined): void {
    if (!device) return
    const ms = this.random.pick([-86_400_000, -3000, 5000, 3_600_000, 0]) ?? 0
    if (this.random.chance(0.5)) this.do({ do: 'jump', ms })
    else device.skewMs = ms
  }

  private takeBack(tab: Tab | undefined): void {
    const refused = tab?.engine.state.pending.filter(({ state }) => state === 'refused') ?? []
    const one = this.random.pick(refused)
    if (!one || !tab) return
    this.trace?.(`${tab.name} takes back ${tellCommand(one.command)}`)
    this.truth.withdrawn(one.command.id)
    tab.engine.withdraw([one.command.id])
  }

  private isAway(device: Device): boolean {
    return !this.isCalm && (this.away.get(device) ?? 0) > this.step
  }

  // The machinery

  private do(order: Order): void {
    this.orders.push(order)
  }

  /** Everybody goes on until they wait for something that is yet to happen. */
  private async rest(): Promise<Came | null> {
    let came: Came | null = null
    for (;;) {
      if (this.orders.length > 0) came = this.tell()
      await new Promise(setImmediate)
      this.watch()
      if (this.orders.length === 0) return came
    }
  }

  /** What must hold at any moment. */
  private watch(): void {
    if (this.mishap) this.breach(this.mishap)
    for (const { tabs } of this.devices) {
      for (const { name, engine } of tabs) {
        for (const [answer, { text }] of engine.state.live) {
          if (!isCounted(answer, text)) this.breach(`${name} shows ${short(answer)} as ${text}`)
        }
      }
    }
  }

  private tell(): Came {
    const orders = this.orders
    this.orders = []
    for (const { do: what, ...how } of orders) {
      if (!quiet.has(what)) this.trace?.(`  ${what} ${JSON.stringify(how)}`)
    }
    const came = this.pc.tell(orders)
    for (const [number, message] of came.sent) {
      this.truth.pcSaid(message)
      this.lines.get(number)?.down.push(message)
    }
    for (const number of came.closed) {
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
      line.isClosed = true
      line.up.length = 0
      line.down.splice(this.random.below(line.down.length + 1))
    }
  }

  // The end

  private async settle(): Promise<void> {
    this.trace?.('--- the dust settles')
    this.isCalm = true
    this.do({ do: 'calm' })
    // What was deleted while the disk refused to be written is taken out with the next start.
    if (this.didDiskFail) this.do({ do: 'kill' })
    await this.rest()
    if (!this.isPcRunning) this.do({ do: 'start' })
    const fresh = new Device('new', this)
    this.devices.push(fresh)
    for (const device of this.devices) {
      device.skewMs = 0
      device.disk.isSlow = device.disk.isFull = false
      device.disk.go(Infinity)
      // What a tab left on disk that died at once, the next that opens finds there.
      this.open(device)
    }
    let quiet = 0
    for (let round = 0; quiet < 4; round++) {
      if (round > 400) throw new Error(`It does not settle: ${this.unsettled().join(', ')}.`)
      this.pass(round < 5 ? 50 : 500)
      await this.rest()
      quiet = (await this.calmDown()) ? quiet + 1 : 0
    }
    await this.judge()
  }

  /** Carries over all there is; gives whether there was nothing. */
  private async calmDown(): Promise<boolean> {
    let isQuiet = true
    for (const device of this.devices) {
      device.spread(Infinity)
      for (const tab of device.tabs) {
        if (!tab.line) {
          tab.dial()
          isQuiet = false
        }
        await this.rest()
        for (const line of [tab.line, tab.next]) {
          if (!line) continue
          if (line.up.length > 0 || line.down.some(({ type }) => type !== 'heartbeat')) isQuiet = false
          this.carryUp(line, Infinity)
        }
        await this.rest()
        this.carryDown(tab, Infinity)
        await this.rest()
      }
    }
    return isQuiet && this.unsettled().length === 0
  }

  private unsettled(): string[] {
    return this.devices.flatMap((device) =>
      device.tabs.flatMap((tab) => {
        const { live, pending } = tab.engine.state
        return [
          ...[...live.keys()].map((answer) => `${tab.name} sees ${answer} run`),
          ...pending
            .filter(({ state }) => state !== 'refused')
            .map(({ command, state }) => `${tab.name} has ${tellCommand(command)} ${state}`),
        ]
      }),
    )
  }

  private async judge(): Promise<void> {
    const gone = [...deletedIn((await this.dump([])).events)].map(wordOf)
    const dump = await this.dump(gone)
    for (const device of this.devices) {
      for (const tab of device.tabs) {
        for (let index = 0; index < this.people.chats.length; index += openAtOnce) {
          for (const chat of this.people.chats.slice(index, index + openAtOnce)) tab.engine.openChat(chat)
          await this.rest()
          for (const breach of breachesOfTab(tab, dump)) this.breach(breach)
        }
      }
      for await (const breach of breachesOfDisk(device, dump)) this.breach(breach)
    }
    for (const breach of breachesOfTheLog(dump, this.truth)) this.breach(breach)
  }

  private async dump(gone: readonly string[]): Promise<Dump> {
    this.do({ do: 'dump', gone })
    const came = await this.rest()
    if (!came?.dump) throw new Error('The PC told nothing.')
    return came.dump
  }

  private breach(what: string): never {
    throw new Error(what)
  }
}
