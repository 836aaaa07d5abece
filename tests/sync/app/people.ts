/** What people do: something on one of their tabs, of what they see there, or of what is gone. */
import { uuidv7 } from '../../../pwa/src/chat/ids'
import type { Turn } from '../../../pwa/src/chat/model'
import type { Command, EndReason } from '../../../pwa/src/protocol/generated'
import type { Tab } from './device'
import type { Random } from './random'

export type Deed =
  | 'begin'
  | 'say'
  | 'edit'
  | 'regenerate'
  | 'continue'
  | 'stop'
  | 'rename'
  | 'move'
  | 'delete'
  | 'choose'
  | 'bring'
  | 'bringAll'

export const deeds: Readonly<Record<Deed, number>> = {
  begin: 4,
  say: 10,
  edit: 3,
  regenerate: 3,
  continue: 3,
  stop: 3,
  rename: 3,
  move: 2,
  delete: 1.5,
  choose: 1,
  bring: 1,
  bringAll: 0.025,
}

/** Who gave the answers that are brought from elsewhere. */
export const elsewhere = 'elsewhere'

const unfinished: readonly (EndReason | 'running')[] = ['cut', 'stopped', 'failed', 'length']

/** So many chats are more commands than are on their way at once, or are sent in a second. */
const allChats = 40

/** Everything that is written names its chat in a word that stands nowhere else. */
export function wordOf(chat: string): string {
  return `w${chat.slice(-12)}w`
}

export class People {
  private counter = 0
  /** All chats that anybody ever began. */
  readonly chats: string[] = []
  private readonly answers: string[] = []
  private readonly brought: Command[][] = []

  constructor(
    private readonly random: Random,
    private readonly nowMs: () => number,
  ) {}

  /** What somebody wants on this tab; nothing where there is nothing to do it to. */
  want(deed: Deed, tab: Tab): Command[] {
    const chat = deed === 'begin' ? this.newChat() : this.chat(tab)
    if (deed === 'choose') return [this.choice()]
    if (deed === 'bring') return this.bring(tab)
    if (deed === 'bringAll') return Array.from({ length: allChats }, () => this.bring(tab)).flat()
    if (!chat) return []
    switch (deed) {
      case 'begin': {
        const folder = this.random.chance(0.2) ? this.unique(chat) : undefined
        const create: Command = { type: 'create_chat', id: this.id(), chat, title: this.unique(chat) }
        const begun: Command = folder ? { ...create, folder } : create
        return this.random.chance(0.9) ? [begun, this.say(chat)] : [begun]
      }
      case 'say': {
        const parent = this.random.chance(0.2) ? this.turn(tab, chat)?.id : undefined
        const say = this.say(chat)
        return [parent && say.type === 'send_message' ? { ...say, parent } : say]
      }
      case 'edit': {
        const turn = this.turn(tab, chat)
        if (!turn) return []
        const message = this.id()
        const text = this.unique(chat)
        return [{ type: 'edit_message', id: this.id(), chat, replaces: turn.id, message, text }]
      }
      case 'regenerate': {
        const turn = this.turn(tab, chat)
        return turn ? [{ type: 'regenerate', id: this.id(), chat, message: turn.id }] : []
      }
      case 'continue': {
        const turns = tab.engine.state.chats.get(chat)?.turns ?? []
        const replies = turns.flatMap(({ reply }) => (reply ? [reply] : []))
        const short = replies.filter(({ state }) => unfinished.includes(state))
        const reply = this.random.pick(this.random.chance(0.8) ? short : replies)
        return reply ? [{ type: 'continue_answer', id: this.id(), chat, answer: reply.id }] : []
      }
      case 'stop': {
        const running = [...tab.engine.state.live.keys()]
        this.answers.push(...running)
        const answer = this.random.pick(this.random.chance(0.9) ? running : this.answers)
        return answer ? [{ type: 'stop_answer', id: this.id(), answer }] : []
      }
      case 'rename':
        return [{ type: 'rename_chat', id: this.id(), chat, title: this.unique(chat) }]
      case 'move': {
        const folder = this.random.chance(0.3) ? null : this.unique(chat)
        return [{ type: 'move_chat', id: this.id(), chat, folder }]
      }
      case 'delete':
        return [{ type: 'delete_chat', id: this.id(), chat }]
    }
  }

  private newChat(): string {
    const chat = this.id()
    this.chats.push(chat)
    return chat
  }

  /** One that the tab shows; now and then one that only others know, or that is gone. */
  private chat(tab: Tab): string | undefined {
    if (this.random.chance(0.05)) return this.random.pick(this.chats)
    const { heads, pending } = tab.engine.state
    const begun = pending.flatMap(({ command }) => (command.type === 'create_chat' ? [command.chat] : []))
    return this.random.pick([...heads.keys(), ...begun])
  }

  private turn(tab: Tab, chat: string): Turn | undefined {
    const turns = tab.engine.state.chats.get(chat)?.turns ?? []
    return this.random.chance(0.5) ? turns.at(-1) : this.random.pick(turns)
  }

  private say(chat: string): Command {
    const text = this.random.chance(0.03) ? 'long '.repeat(5000) + this.unique(chat) : this.unique(chat)
    return { type: 'send_message', id: this.id(), chat, message: this.id(), text }
  }

  private choice(): Command {
    const name = this.random.chance(0.5) ? 'language' : 'appearance'
    const value = this.random.chance(0.2) ? null : `v${this.counter++}`
    return { type: 'change_setting', id: this.id(), name, value }
  }

  /** Brings a chat from elsewhere; the same file now and then twice, on another device too. */
  private bring(tab: Tab): Command[] {
    let commands = this.random.chance(0.4) ? this.random.pick(this.brought) : undefined
    if (!commands) {
      const chat = this.newChat()
      const turns = []
      let parent = chat
      for (let count = 1 + this.random.below(4); count > 0; count--) {
        const message = this.id()
        const answer = { answer: this.id(), at_ms: 2000 + count, model: elsewhere, text: this.unique(chat) }
        const turn = { message, parent, at_ms: 1000 + count, text: this.unique(chat) }
        turns.push(this.random.chance(0.8) ? { ...turn, answer } : turn)
        if (this.random.chance(0.7)) parent = message
      }
      commands = [
        { type: 'create_chat', id: '', chat, title: this.unique(chat), at_ms: 1000 },
        { type: 'import_turns', id: '', chat, turns },
      ]
      this.brought.push(commands)
    }
    const create = commands[0]
    const isHere = create?.type === 'create_chat' && tab.engine.state.heads.has(create.chat)
    return commands.slice(isHere ? 1 : 0).map((command) => ({ ...command, id: this.id() }))
  }

  private unique(chat: string): string {
    return `${wordOf(chat)} n${this.counter++}`
  }

  private id(): string {
    return uuidv7(this.nowMs(), (bytes) => this.random.bytes(bytes))
  }
}
