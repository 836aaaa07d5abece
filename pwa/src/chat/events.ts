/** Events of the PC's log into heads, open chats and running answers. */
import type { AnswerBegun, ChatEvent, Event } from '../protocol/generated'
import { withEvents } from './fold'
import { type Chat, type ChatHead, type ChatsState, type Live, type Settings, withSetting } from './model'

/** What happened after all that is here: a page of the log, which reaches up to `upto`. */
export function applyEvents(
  state: ChatsState,
  events: readonly Event[],
  upto: number,
): { state: ChatsState; fresh: Event[] } {
  const fresh = events
    .filter(({ seq }) => seq > state.after)
    .sort((one, other) => one.seq - other.seq)
    .filter(({ seq }, index, all) => seq !== all[index - 1]?.seq)
  const after = Math.max(state.after, upto, fresh.at(-1)?.seq ?? 0)
  if (after === state.after) return { state, fresh }
  const head = state.head === null ? null : Math.max(state.head, after)
  const page = new Page(state)
  for (const event of fresh) page.apply(event)
  return { state: { ...state, after, head, ...page.done() }, fresh }
}

/** What happened before all that is here, or of one chat somewhere in it. */
export function addPast(state: ChatsState, events: readonly Event[]): ChatsState {
  const heads = new Map(state.heads)
  for (const event of events) {
    // The list has them all; where a part of it was lost, the past has them again.
    if (event.type === 'chat_created' && !state.gone.has(event.chat)) create(heads, event)
  }
  const chats = addToOpen(state.chats, events)
  const same = heads.size === state.heads.size
  return { ...state, heads: same ? state.heads : heads, chats }
}

function addToOpen(
  chats: ReadonlyMap<string, Chat>,
  events: readonly Event[],
): ReadonlyMap<string, Chat> {
  const mine = new Map<string, ChatEvent[]>()
  for (const event of events) {
    if (event.type === 'setting_changed' || !chats.has(event.chat)) continue
    const list = mine.get(event.chat)
    if (list) list.push(event)
    else mine.set(event.chat, [event])
  }
  if (mine.size === 0) return chats
  const next = new Map(chats)
  for (const [id, list] of mine) {
    const chat = chats.get(id)
    if (chat) next.set(id, withEvents(chat, list))
  }
  return next
}

function create(
  heads: Map<string, ChatHead>,
  { chat, title, folder, at_ms }: Extract<Event, { type: 'chat_created' }>,
): void {
  if (heads.has(chat)) return
  heads.set(chat, { id: chat, title, folder: folder ?? null, changedMs: at_ms })
}

/** One page: copies what it touches once, and leaves the rest the same object. */
class Page {
  private heads: Map<string, ChatHead> | null = null
  private live: Map<string, Live> | null = null
  private ended: Set<string> | null = null
  private settings: Settings
  private readonly gone: Set<string>
  private readonly ofChats: ChatEvent[] = []

  constructor(private readonly state: ChatsState) {
    this.settings = state.settings
    this.gone = new Set(state.gone)
  }

  apply(event: Event): void {
    if (event.type === 'setting_changed') {
      this.settings = withSetting(this.settings, event.name, event.value)
      return
    }
    this.ofChats.push(event)
    switch (event.type) {
      case 'chat_created':
        this.heads ??= new Map(this.state.heads)
        return create(this.heads, event)
      case 'chat_renamed':
        return this.change(event.chat, { title: event.title })
      case 'chat_moved':
        return this.change(event.chat, { folder: event.folder })
      case 'chat_deleted':
        return this.remove(event.chat)
      case 'message_written':
        return this.touch(event.chat, event.at_ms)
      case 'answer_begun':
        this.touch(event.chat, event.at_ms)
        return this.begin(event)
      case 'answer_ended':
        this.live ??= new Map(this.state.live)
        this.live.delete(event.answer)
        this.ended ??= new Set(this.state.ended)
        this.ended.add(event.answer)
        return this.touch(event.chat, event.at_ms)
    }
  }

  done(): Pick<ChatsState, 'heads' | 'live' | 'settings' | 'gone' | 'ended' | 'chats'> {
    const { state, gone } = this
    const isGone = gone.size > state.gone.size
    const chats = new Map(addToOpen(state.chats, this.ofChats))
    for (const chat of gone) chats.delete(chat)
    const same = chats.size === state.chats.size && [...chats].every(([id, chat]) => state.chats.get(id) === chat)
    return {
      heads: this.heads ?? state.heads,
      live: this.live ?? state.live,
      settings: this.settings,
      gone: isGone ? gone : state.gone,
      ended: this.ended ?? state.ended,
      chats: same ? state.chats : chats,
    }
  }

  private begin({ chat, answer, continues }: AnswerBegun): void {
    this.live ??= new Map(this.state.live)
    // Over another road a draft of it may have come before.
    if (this.live.has(answer)) return
    this.live.set(answer, { chat, text: '', next: 0, continues: continues ?? null })
  }

  private remove(chat: string): void {
    this.heads ??= new Map(this.state.heads)
    this.heads.delete(chat)
    this.live = new Map([...(this.live ?? this.state.live)].filter(([, live]) => live.chat !== chat))
    this.gone.add(chat)
  }

  private touch(chat: string, atMs: number): void {
    const head = (this.heads ?? this.state.heads).get(chat)
    if (head && atMs > head.changedMs) this.change(chat, { changedMs: atMs })
  }

  private change(chat: string, news: Partial<ChatHead>): void {
    this.heads ??= new Map(this.state.heads)
    const head = this.heads.get(chat)
    if (head) this.heads.set(chat, { ...head, ...news })
  }
}
