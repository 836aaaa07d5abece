/** What can happen next, how often it does where it can, and what it is. */
import { type Device, type Tab } from './device'
import { deeds } from './people'
import type { Stage } from './stage'
import { command as tellCommand } from './tale'

const usually = {
  deed: 12,
  carryUp: 20,
  carryDown: 24,
  time: 14,
  disk: 12,
  dial: 16,
  look: 4,
  openTab: 4,
  arrive: 0.8,
  anotherTab: 0.6,
  anotherRoad: 0.5,
  cut: 1.2,
  closeTab: 0.8,
  loseBattery: 0.3,
  setClock: 0.4,
  goAway: 0.4,
  takeBack: 0.5,
  fillDisk: 0.25,
  makeRoom: 1.5,
  killPc: 0.8,
  losePower: 0.8,
  stopPc: 0.15,
  startPc: 8,
  failDisk: 0.3,
  backUp: 0.4,
  restore: 0.16,
  putBack: 3,
}
type Happening = keyof typeof usually

/** What happens less often than that is in some seeds what happens most. */
const rare = 2
const oftener = 10

export class Happenings {
  private readonly weights: Readonly<Record<Happening, number>>
  private wasBackedUp = false
  /** The backup is of the log that devices know now. */
  private isBackupOfLog = false

  /** @param later devices that come to the home in the middle */
  constructor(
    private readonly stage: Stage,
    private readonly later: Device[],
  ) {
    const own: Record<Happening, number> = { ...usually }
    for (const what of Object.keys(own) as Happening[]) {
      if (own[what] < rare && stage.random.chance(0.06)) own[what] *= oftener
    }
    this.weights = own
  }

  /** Has one thing happen; gives whether it was something that somebody did. */
  next(): boolean {
    const { stage, weights } = this
    const { random, devices } = stage
    const here = devices.filter((device) => !stage.isAway(device))
    const tabs = devices.flatMap((device) => device.tabs)
    const open = tabs.filter((tab) => tab.isOpen)
    const idle = open.filter((tab) => !tab.line && !stage.isAway(tab.device))
    const up = stage.linesUp()
    const down = tabs.filter((tab) => tab.hasMail)
    const busy = devices.filter((device) => device.isBusy)
    const full = devices.filter(({ disk }) => disk.isFull)
    const can: Record<Happening, number> = {
      ...weights,
      deed: open.length && weights.deed,
      carryUp: up.length && weights.carryUp,
      carryDown: down.length && weights.carryDown,
      disk: busy.length && weights.disk,
      dial: stage.isPcRunning && idle.length ? weights.dial : 0,
      look: open.length && weights.look,
      openTab: here.some(({ tabs }) => tabs.length === 0) ? weights.openTab : 0,
      arrive: this.later.length && weights.arrive,
      makeRoom: full.length && weights.makeRoom,
      startPc: stage.isPcRunning ? 0 : weights.startPc,
      losePower: stage.losesPower ? weights.losePower : 0,
      restore: this.wasBackedUp ? weights.restore : 0,
      putBack: this.isBackupOfLog && this.knowsMost(tabs) ? weights.putBack : 0,
    }
    const what = random.weighed(can)
    const device = random.pick(here) ?? devices[0]
    const tab = random.pick(tabs)
    switch (what) {
      case 'deed':
        this.act(random.pick(open))
        return true
      case 'carryUp':
        stage.carryUp(random.pick(up), 1 + random.below(6))
        break
      case 'carryDown':
        stage.carryDown(random.pick(down), 1 + random.below(10))
        break
      case 'time':
        stage.pass(random.pick([5, 40, 40, 200, 200, 1000, 3000]) ?? 1)
        break
      case 'disk':
        random.pick(busy)?.work(1 + random.below(8))
        break
      case 'dial':
        random.pick(idle)?.dial()
        break
      case 'anotherRoad':
        random.pick(open.filter((one) => one.line && !one.next))?.dial()
        break
      case 'look':
        this.look(random.pick(open))
        break
      case 'openTab':
        stage.open(random.pick(here.filter(({ tabs }) => tabs.length === 0)))
        break
      case 'arrive':
        this.arrive()
        break
      case 'anotherTab':
        stage.open(random.pick(here.filter(({ tabs }) => tabs.length === 1)))
        break
      case 'cut':
        this.cutSome(tab)
        break
      case 'closeTab':
        stage.close(tab)
        break
      case 'loseBattery':
        this.loseBattery(device)
        break
      case 'setClock':
        this.setClock(device)
        break
      case 'goAway':
        this.goAway(device)
        break
      case 'takeBack':
        this.takeBack(tab)
        break
      case 'fillDisk':
        this.setFull(device, true)
        break
      case 'makeRoom':
        this.setFull(random.pick(full), false)
        break
      case 'putBack':
        if (tabs[0]) stage.putBack(tabs[0])
        this.isBackupOfLog = false
        break
      default:
        this.happenToPc(what)
    }
    return false
  }

  /** Whether nobody knows of anything that the one tab does not: only who has seen most can tell. */
  private knowsMost([tab, ...others]: Tab[]): boolean {
    const { devices, isPcRunning } = this.stage
    if (!tab?.isOpen || others.length > 0 || devices.length > 1 || !isPcRunning) return false
    const { log, isListing } = tab.engine.state
    return log !== null && !isListing && !tab.device.hadSeveral
  }

  private happenToPc(what: Happening): void {
    const { stage } = this
    const { random } = stage
    switch (what) {
      case 'killPc':
        if (!stage.isPcRunning) return
        if (random.chance(0.2)) return stage.do({ do: 'kill' })
        return stage.do({ do: 'killat', writes: 1 + random.below(12), after: random.chance(0.5) })
      case 'losePower':
        if (!stage.isPcRunning) return
        return stage.do(random.chance(0.3) ? { do: 'losepower' } : { do: 'losepower', syncs: 1 + random.below(12) })
      case 'stopPc':
        return stage.isPcRunning ? stage.do({ do: 'stop' }) : undefined
      case 'startPc':
        if (stage.isPcRunning) return
        if (random.chance(0.15)) return stage.do({ do: 'start', kill_at: 1 + random.below(6) })
        return stage.do(stage.losesPower && random.chance(0.1) ? { do: 'start', lose_at: 1 + random.below(4) } : { do: 'start' })
      case 'failDisk':
        if (!stage.isPcRunning) return
        stage.didDiskFail = true
        return stage.do({ do: 'fail', first: 1 + random.below(6), count: 1 + random.below(8) })
      case 'backUp':
        if (!stage.isPcRunning) return
        stage.truth.backUp()
        this.wasBackedUp = this.isBackupOfLog = true
        return stage.do({ do: 'backup' })
      case 'restore':
        return this.restore()
    }
  }

  private restore(): void {
    const { random, truth } = this.stage
    if (!this.wasBackedUp) return
    const older = truth.hasOlderBackup && random.chance(0.4)
    this.stage.do({ do: 'restore', older })
    this.isBackupOfLog = false
    truth.restored(older)
  }

  private act(tab: Tab | undefined): void {
    const { people, random } = this.stage
    if (!tab) return
    const commands = people.want(random.weighed(deeds), tab)
    if (commands.length === 0) return
    for (const command of commands) this.stage.did(tab, command)
    tab.engine.perform(commands)
  }

  /** Looks into a chat of the list; now and then into one that is nowhere, or gone, by its address. */
  private look(tab: Tab | undefined): void {
    const { people, random } = this.stage
    if (!tab) return
    const { gone, heads } = tab.engine.state
    const among = random.weighed({ listed: 8, gone: gone.size && 2, any: 1 })
    const chat = random.pick(among === 'any' ? people.chats : [...(among === 'gone' ? gone : heads.keys())])
    if (chat) tab.engine.openChat(chat)
  }

  private arrive(): void {
    const { devices, random } = this.stage
    const device = this.later.shift()
    if (!device) return
    devices.push(device)
    this.stage.open(device)
    if (random.chance(0.5)) this.stage.open(device)
  }

  private setFull(device: Device | undefined, isFull: boolean): void {
    if (!device) return
    this.stage.trace?.(`${device.name} ${isFull ? 'is full' : 'has room'}`)
    device.disk.isFull = isFull
  }

  private cutSome(tab: Tab | undefined): void {
    const line = tab?.next && this.stage.random.chance(0.5) ? tab.next : tab?.line
    if (!tab || !line) return
    this.stage.trace?.(`${tab.name} loses line ${line.number}`)
    tab.lose(line)
  }

  private goAway(device: Device | undefined): void {
    const { stage } = this
    if (!device) return
    stage.trace?.(`${device.name} goes away`)
    stage.sendAway(device, 20 + stage.random.below(80))
    for (const tab of [...device.tabs]) {
      if (stage.random.chance(0.5)) stage.close(tab)
      else tab.hangUp()
    }
  }

  private loseBattery(device: Device | undefined): void {
    if (!device) return
    this.stage.trace?.(`${device.name} loses its power`)
    const tabs = [...device.tabs]
    device.losePower()
    for (const tab of tabs) this.stage.truth.lost(tab)
  }

  private setClock(device: Device | undefined): void {
    const { random } = this.stage
    if (!device) return
    const ms = random.pick([-86_400_000, -3000, 5000, 3_600_000, 0]) ?? 0
    if (random.chance(0.5)) this.stage.do({ do: 'jump', ms })
    else device.skewMs = ms
  }

  private takeBack(tab: Tab | undefined): void {
    const { random, truth, trace } = this.stage
    const refused = tab?.engine.state.pending.filter(({ state }) => state === 'refused') ?? []
    const one = random.pick(refused)
    if (!one || !tab) return
    trace?.(`${tab.name} takes back ${tellCommand(one.command)}`)
    truth.withdrawn(one.command.id)
    tab.engine.withdraw([one.command.id])
  }
}
