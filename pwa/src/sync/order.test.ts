/** Whatever happens to a device, and in whichever order: it ends with what the PC has. */
import { expect, it } from 'vitest'
import { TestBrowser, type TestTab, turn } from '../../tests/support/browser'
import { id, seeded } from '../../tests/support/messages'
import { TestPc } from '../../tests/support/pc'
import { emptyChat, withEvents } from '../chat/fold'
import type { ChatHead } from '../chat/model'
import type { ChatEvent, Command, Event } from '../protocol/generated'

class Run {
  readonly pc = new TestPc()
  readonly random: () => number
  /** What people did on this PC's devices, by the command's id. */
  readonly performed = new Map<string, Command>()
  private made = 10_000
  private chats: string[] = []

  constructor(
    seed: number,
    readonly browsers = [new TestBrowser(), new TestBrowser()],
  ) {
    this.random = seeded(seed)
  }

  async play(steps: number): Promise<void> {
    for (const browser of this.browsers) await browser.tab()
    for (let step = 0; step < steps; step++) {
      await this.step()
      // Sometimes the next thing happens before the disk has had its turn.
      if (this.random() < 0.5) await turn()
    }
  }

  /** Every road is there at last, and nobody does anything more. */
  async settle(): Promise<void> {
    for (const browser of this.browsers) if (browser.tabs.size === 0) await browser.tab()
    for (let round = 0; round < 4; round++) {
      this.pc.grow(true)
      for (const browser of this.browsers) {
        for (const tab of [...browser.tabs]) {
          browser.spread()
          // What a tab did that died before it could tell is found on the next connection.
          if (!tab.line || round === 0) tab.connect(this.pc)
          await tab.quiet()
        }
      }
    }
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)]
  }

  private async step(): Promise<void> {
    const browser = this.pick(this.browsers)!
    const tab = this.pick([...browser.tabs])
    const chance = this.random()
    if (!tab) return void (await browser.tab())
    if (chance < 0.3) tab.take()
    else if (chance < 0.5) this.perform(tab)
    else if (chance < 0.6) browser.spread()
    else if (chance < 0.68) tab.connect(this.pc)
    else if (chance < 0.74) tab.line = null
    else if (chance < 0.82) this.pc.grow(this.random() < 0.3)
    else if (chance < 0.9) {
      const chat = this.pick(this.chats)
      if (chat) tab.engine.openChat(chat)
    } else if (chance < 0.94) tab.die()
    else if (chance < 0.97 && browser.tabs.size < 3) await browser.tab()
    else if (chance < 0.975) this.restore()
  }

  private restore(): void {
    this.pc.restore()
    for (const browser of this.browsers) for (const tab of browser.tabs) tab.line = null
  }

  private perform(tab: TestTab): void {
    const chat = this.pick(this.chats)
    const chance = this.random()
    if (!chat || chance < 0.2) {
      const made = id(this.made++)
      this.chats.push(made)
      return this.ask(tab, { type: 'create_chat', id: id(this.made++), chat: made, title: 'New' })
    }
    const command = id(this.made++)
    if (chance < 0.7) {
      const message = id(this.made++)
      this.ask(tab, { type: 'send_message', id: command, chat, message, text: `Say ${message}` })
    } else if (chance < 0.8) {
      this.ask(tab, { type: 'rename_chat', id: command, chat, title: `Title ${command}` })
    } else if (chance < 0.9) this.ask(tab, { type: 'move_chat', id: command, chat, folder: 'F' })
    else if (chance < 0.95) this.ask(tab, { type: 'delete_chat', id: command, chat })
    else this.ask(tab, { type: 'change_setting', id: command, name: 'language', value: 'ru' })
  }

  private ask(tab: TestTab, command: Command): void {
    this.performed.set(command.id, command)
    tab.engine.perform([command])
  }
}

const isOf = (chat: string) => (event: Event): event is ChatEvent =>
  event.type !== 'setting_changed' && event.chat === chat

async function expectSame(run: Run, browser: TestBrowser, tab: TestTab): Promise<void> {
  const { pc } = run
  const { state } = tab
  expect(state).toMatchObject({ log: pc.log, after: pc.head, before: 1, isListing: false })
  const heads = [...pc.heads.values()].map(
    ({ chat, title, folder, changed_ms }): ChatHead => ({ id: chat, title, folder, changedMs: changed_ms }),
  )
  const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1)
  expect([...state.heads.values()].sort(byId)).toEqual(heads.sort(byId))
  expect(state.settings).toEqual(Object.fromEntries(pc.settings))
  for (const [chat, { turns }] of state.chats) {
    expect(turns).toEqual(withEvents(emptyChat(chat), pc.events.filter(isOf(chat))).turns)
  }
  expect(state.live.size).toBe(0)
  const kept = await browser.replica.load()
  expect(kept.meta).toMatchObject({ log: pc.log, after: pc.head, before: 1 })
  expect(kept.heads.sort(byId)).toEqual(heads)
  const { events } = await browser.replica.all(null, 10_000)
  const inOrder = events.sort((one, other) => one.seq - other.seq)
  expect(inOrder).toEqual(pc.events.filter(({ type }) => type !== 'chat_deleted'))
}

it('ends with what the PC has, on disk and in memory, through cuts, crashes, tabs and backups', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    const run = new Run(seed)
    try {
      await run.play(120)
      await run.settle()
      for (const browser of run.browsers) {
        for (const tab of browser.tabs) await expectSame(run, browser, tab)
      }
    } catch (error) {
      throw new Error(`seed ${String(seed)}: ${error instanceof Error ? error.message : ''}`, { cause: error })
    }
  }
}, 60_000)

it('has every message once, and none in the outbox but those that were refused', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const run = new Run(seed * 1_000)
    await run.play(100)
    await run.settle()
    const written = run.pc.events.flatMap((one) => (one.type === 'message_written' ? [one.message] : []))
    expect(new Set(written).size, `seed ${String(seed)}`).toBe(written.length)
    for (const { replica, tabs } of run.browsers) {
      const ids = (await replica.load()).outbox.map(({ command }) => command.id)
      for (const { state } of tabs) {
        const left = state.pending.map(({ state, command }) => [state, command.type])
        for (const one of left) expect(one, `seed ${String(seed)}`).toEqual(['refused', 'send_message'])
        expect(state.pending.map(({ command }) => command.id), `seed ${String(seed)}`).toEqual(ids)
      }
    }
  }
}, 60_000)
