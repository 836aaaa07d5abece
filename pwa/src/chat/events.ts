/** The PC's log of events into chats. One page copies each chat that it touches once. */
import type { AnswerBegun, AnswerEnded, Event, MessageWritten } from '../protocol/generated'
import type { Chat, ChatsState, Live, Reply, Turn } from './model'

export function applyEvents(state: ChatsState, events: readonly Event[], upto: number): ChatsState {
  const fresh = events
    .filter((event) => event.seq > state.after)
    .sort((one, other) => one.seq - other.seq)
  const after = Math.max(state.after, upto, fresh.at(-1)?.seq ?? 0)
  if (fresh.length === 0) return after === state.after ? state : { ...state, after }
  const page = new Page(state)
  for (const event of fresh) page.apply(event)
  return { ...state, after, chats: page.chats, live: page.live }
}

interface OpenChat extends Chat {
  turns: Turn[]
}

class Page {
  readonly chats: Map<string, Chat>
  readonly live: Map<string, Live>
  private readonly opened = new Map<string, OpenChat>()

  constructor(state: ChatsState) {
    this.chats = new Map(state.chats)
    this.live = new Map(state.live)
  }

  apply(event: Event): void {
    switch (event.type) {
      case 'chat_created':
        if (!this.chats.has(event.chat)) {
          this.put({ id: event.chat, title: event.title, changedMs: event.at_ms, turns: [] })
        }
        return
      case 'chat_renamed':
        return this.change(event.chat, (chat) => ({ ...chat, title: event.title }))
      case 'chat_deleted':
        return this.remove(event.chat)
      case 'message_written':
        return this.write(event)
      case 'answer_begun':
        return this.begin(event)
      case 'answer_ended':
        return this.end(event)
    }
  }

  private write({ chat, message, text, at_ms }: MessageWritten): void {
    this.change(chat, (open) => {
      if (open.turns.some((turn) => turn.id === message)) return open
      const turn: Turn = {
        id: message,
        text,
        atMs: at_ms,
        state: 'sent',
        code: null,
        excess: null,
        reply: null,
      }
      open.turns.push(turn)
      return { ...open, changedMs: at_ms }
    })
  }

  private begin({ chat, message, answer, model, cut, at_ms }: AnswerBegun): void {
    this.change(chat, (open) => {
      const index = open.turns.findLastIndex((turn) => turn.id === message)
      const turn = open.turns[index]
      if (!turn) return open
      if (turn.reply) this.live.delete(turn.reply.id)
      const reply: Reply = {
        id: answer,
        model,
        state: 'running',
        text: '',
        code: null,
        timings: null,
        cut: cut ?? null,
      }
      open.turns[index] = { ...turn, reply }
      this.live.set(answer, { text: '', next: 0 })
      return { ...open, changedMs: at_ms }
    })
  }

  private end(event: AnswerEnded): void {
    this.live.delete(event.answer)
    this.change(event.chat, (open) => {
      const index = open.turns.findLastIndex((turn) => turn.reply?.id === event.answer)
      const turn = open.turns[index]
      if (!turn?.reply) return open
      open.turns[index] = {
        ...turn,
        reply: {
          ...turn.reply,
          state: event.reason,
          text: event.text,
          code: event.code ?? null,
          timings: event.timings ?? null,
        },
      }
      return open
    })
  }

  private remove(id: string): void {
    for (const turn of this.chats.get(id)?.turns ?? []) {
      if (turn.reply) this.live.delete(turn.reply.id)
    }
    this.chats.delete(id)
    this.opened.delete(id)
  }

  private change(id: string, how: (chat: OpenChat) => OpenChat): void {
    const chat = this.opened.get(id) ?? this.open(id)
    if (chat) this.put(how(chat))
  }

  private open(id: string): OpenChat | undefined {
    const chat = this.chats.get(id)
    return chat && { ...chat, turns: [...chat.turns] }
  }

  private put(chat: OpenChat): void {
    this.opened.set(chat.id, chat)
    this.chats.set(chat.id, chat)
  }
}
