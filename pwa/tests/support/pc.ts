/** A PC as far as its chats go, which says things one at a time, when a test lets it. */
import type {
  Acknowledged,
  ChatError,
  ChatHead,
  Command,
  Event,
  FromChats,
  Hello,
  Setting,
  ToHome,
} from '../../src/protocol/generated'
import { id } from './messages'

/** What a page holds, in these tests: the JSON itself. */
export const plainPack = (events: readonly Event[]) => JSON.stringify(events)
export const plainUnpack = (packed: string) => Promise.resolve(JSON.parse(packed) as Event[])

type Draft = Event extends infer E ? (E extends Event ? Omit<E, 'seq' | 'at_ms'> : never) : never

export class TestPc {
  log = id(900)
  /** Of the logs before it: up to where each is the same as this one. */
  readonly common = new Map<string, number>()
  events: Event[] = []
  head = 0
  running: { chat: string; answer: string; pieces: string[] }[] = []
  readonly done = new Map<string, number>()
  readonly heads = new Map<string, ChatHead>()
  readonly settings = new Map<Setting['name'], string>()
  private made = 5_000

  constructor(
    readonly pack: (events: readonly Event[]) => string = plainPack,
    readonly pageSize = 3,
  ) {}

  execute(command: Command): Acknowledged | ChatError {
    const known = this.done.get(command.id)
    if (known !== undefined) return { type: 'acknowledged', id: command.id, seq: this.head }
    const code = this.refusal(command)
    if (code) return { type: 'error', code, message: '', re: command.id }
    this.done.set(command.id, this.head + 1)
    this.carryOut(command)
    return { type: 'acknowledged', id: command.id, seq: this.head }
  }

  /** The running answers go on, or end. */
  grow(ends: boolean): void {
    for (const one of ends ? this.running.splice(0) : this.running) {
      if (!ends) one.pieces.push(`${String(one.pieces.length)} `)
      else {
        const { chat, answer, pieces } = one
        this.append({ type: 'answer_ended', chat, answer, reason: 'stop', text: pieces.join('') })
      }
    }
  }

  /** A backup of some time ago takes the place of what there is; what ran then was cut. */
  restore(): void {
    const cut = Math.floor(this.head / 2)
    for (const [log, common] of this.common) this.common.set(log, Math.min(common, cut))
    this.common.set(this.log, cut)
    this.log = id(this.made++)
    this.head = cut
    this.events = this.events.filter(({ seq }) => seq <= cut)
    this.heads.clear()
    this.settings.clear()
    for (const event of this.events) this.note(event)
    for (const [command, seq] of this.done) if (seq > cut) this.done.delete(command)
    this.running = []
    const ended = new Set(this.events.map((one) => one.type === 'answer_ended' && one.answer))
    for (const one of [...this.events]) {
      if (one.type !== 'answer_begun' || ended.has(one.answer)) continue
      const { chat, answer } = one
      this.append({ type: 'answer_ended', chat, answer, reason: 'cut', text: '' })
    }
  }

  append(event: Draft): void {
    const seq = ++this.head
    const full = { at_ms: seq * 10, ...event, seq } as Event
    if (full.type === 'chat_deleted') {
      this.events = this.events.filter((one) => !('chat' in one && one.chat === full.chat))
      this.running = this.running.filter(({ chat }) => chat !== full.chat)
    }
    this.events.push(full)
    this.note(full)
  }

  private refusal(command: Command): ChatError['code'] | null {
    if (command.type === 'create_chat') return this.heads.has(command.chat) ? 'chat_exists' : null
    return 'chat' in command && !this.heads.has(command.chat) ? 'chat_unknown' : null
  }

  private carryOut(command: Command): void {
    switch (command.type) {
      case 'create_chat':
        return this.append({ type: 'chat_created', chat: command.chat, title: command.title })
      case 'rename_chat':
        return this.append({ type: 'chat_renamed', chat: command.chat, title: command.title })
      case 'move_chat':
        return this.append({ type: 'chat_moved', chat: command.chat, folder: command.folder })
      case 'delete_chat':
        return this.append({ type: 'chat_deleted', chat: command.chat })
      case 'change_setting':
        return this.append({ type: 'setting_changed', name: command.name, value: command.value })
      case 'send_message': {
        const { chat, message, text } = command
        const newest = this.events.findLast((one) => one.type === 'message_written' && one.chat === chat)
        const parent = newest?.type === 'message_written' ? newest.message : chat
        this.append({ type: 'message_written', chat, message, text, parent })
        const answer = id(this.made++)
        this.append({ type: 'answer_begun', chat, message, answer, model: 'test' })
        this.running.push({ chat, answer, pieces: [] })
      }
    }
  }

  private note(event: Event): void {
    if (event.type === 'setting_changed') {
      if (event.value === null) this.settings.delete(event.name)
      else this.settings.set(event.name, event.value)
      return
    }
    const { chat } = event
    const there = this.heads.get(chat)
    if (event.type === 'chat_deleted') this.heads.delete(chat)
    else if (event.type === 'chat_created') {
      this.heads.set(chat, { chat, title: event.title, folder: null, changed_ms: event.at_ms })
    } else if (!there) return
    else if (event.type === 'chat_renamed') this.heads.set(chat, { ...there, title: event.title })
    else if (event.type === 'chat_moved') this.heads.set(chat, { ...there, folder: event.folder })
    else this.heads.set(chat, { ...there, changed_ms: Math.max(there.changed_ms, event.at_ms) })
  }
}

/** One connection to it: `next` is what it says next, in the order of the wire. */
export class PcLine {
  readonly sent: ToHome[] = []
  private readonly out: FromChats[] = []
  private readonly known = new Map<string, number>()
  private readonly wanted: string[] = []
  private after = 0
  private before = 1

  constructor(private readonly pc: TestPc) {}

  hear(message: ToHome): void {
    this.sent.push(message)
    if (message.type === 'hello') this.welcome(message)
    else if (message.type === 'fetch_chat') this.wanted.push(message.chat)
    else if ('id' in message) this.out.push(this.pc.execute(message as Command))
  }

  next(): FromChats | null {
    return this.out.shift() ?? this.fresh() ?? this.growth() ?? this.fetched() ?? this.past()
  }

  private welcome({ log, after = 0, before = 0, drafts = [] }: Hello): void {
    const { pc } = this
    const isKnown = log === pc.log && before - 1 <= after && after <= pc.head
    this.after = isKnown ? after : pc.head
    this.before = isKnown ? before : pc.head + 1
    const settings = [...pc.settings].map(([name, value]) => ({ name, value }))
    const about = { version: 1, model: 'test', heartbeat_s: 1, log: pc.log, head: pc.head, settings }
    const common = pc.common.get(log ?? '') ?? 0
    this.out.push({ type: 'welcome', ...about, common, after: this.after, before: this.before })
    if (!isKnown) {
      const heads = [...pc.heads.values()]
      for (let at = 0; at === 0 || at < heads.length; at += 2) {
        this.out.push({ type: 'chat_list', chats: heads.slice(at, at + 2) })
      }
    }
    const seen = new Map(isKnown ? drafts.map(({ answer, index }) => [answer, index]) : [])
    for (const { chat, answer, pieces } of pc.running) {
      const begun = pc.events.find((one) => one.type === 'answer_begun' && one.answer === answer)
      const index = seen.get(answer)
      if (index !== undefined) this.known.set(answer, index)
      else if (begun && begun.seq <= this.after) {
        this.known.set(answer, pieces.length)
        this.out.push({ type: 'draft', chat, answer, index: pieces.length, text: pieces.join('') })
      }
    }
  }

  private fresh(): FromChats | null {
    const { pc, after } = this
    if (after >= pc.head) return null
    const page = pc.events.filter(({ seq }) => seq > after).slice(0, pc.pageSize)
    this.after = page.at(-1)?.seq ?? pc.head
    if (this.after === pc.head) return { type: 'events', events: page, upto: this.after }
    return { type: 'history', first: after + 1, last: this.after, packed: pc.pack(page) }
  }

  private growth(): FromChats | null {
    for (const { chat, answer, pieces } of this.pc.running) {
      const index = this.known.get(answer) ?? 0
      const text = pieces[index]
      if (text === undefined) continue
      this.known.set(answer, index + 1)
      return { type: 'delta', chat, answer, index, text }
    }
    return null
  }

  private fetched(): FromChats | null {
    const chat = this.wanted.shift()
    if (chat === undefined) return null
    const events = this.pc.events.filter((one) => 'chat' in one && one.chat === chat && one.seq <= this.after)
    return { type: 'chat_history', chat, packed: this.pc.pack(events), complete: true }
  }

  private past(): FromChats | null {
    if (this.before <= 1) return null
    const last = this.before - 1
    const page = this.pc.events.filter(({ seq }) => seq <= last).slice(-this.pc.pageSize)
    const isAll = !this.pc.events.some(({ seq }) => seq < (page[0]?.seq ?? 0))
    this.before = isAll ? 1 : (page[0]?.seq ?? 1)
    return { type: 'history', first: this.before, last, packed: this.pc.pack(page) }
  }
}
