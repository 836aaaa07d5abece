/** What is pending in a chat, laid over the turns that the PC has confirmed. */
import type { Command, EditMessage, SendMessage } from '../protocol/generated'
import { isSettled, type Pending, type Turn } from './model'

export interface Overlaid {
  /** The same object where nothing is pending. */
  readonly turns: readonly Turn[]
  /** What the PC would not take: it follows nothing, and is always shown. */
  readonly refused: readonly Turn[]
}

/** The same result for the same arguments: each turn that is shown asks for it. */
const last = new WeakMap<readonly Turn[], { readonly pending: readonly Pending[]; readonly result: Overlaid }>()

export function layOver(
  confirmed: readonly Turn[],
  pending: readonly Pending[],
  chat: string,
): Overlaid {
  const known = last.get(confirmed)
  if (known?.pending === pending) return known.result
  const result = layAnew(confirmed, pending, chat)
  last.set(confirmed, { pending, result })
  return result
}

function layAnew(
  confirmed: readonly Turn[],
  pending: readonly Pending[],
  chat: string,
): Overlaid {
  const mine = pending.filter(({ command }) => isOf(command, chat))
  if (mine.length === 0) return { turns: confirmed, refused: [] }
  const turns = [...confirmed]
  const refused: Turn[] = []
  for (const one of mine) {
    const { command } = one
    switch (command.type) {
      case 'regenerate':
        forgetReply(turns, command.message)
        break
      case 'continue_answer':
        goOn(turns, command.answer)
        break
      case 'send_message':
      case 'edit_message':
        if (turns.some(({ id }) => id === command.message)) break
        if (one.state === 'refused') refused.push(pendingTurn(one, command, null))
        else turns.push(pendingTurn(one, command, parentOf(turns, command)))
    }
  }
  return { turns, refused }
}

function isOf(command: Command, chat: string): boolean {
  return 'chat' in command && command.chat === chat
}

function parentOf(turns: readonly Turn[], command: SendMessage | EditMessage): string | null {
  if (command.type === 'edit_message') {
    return turns.find(({ id }) => id === command.replaces)?.parent ?? null
  }
  const { parent, chat } = command
  if (parent === chat) return null
  // Behind one that is not there nobody would see it.
  const isThere = parent && turns.some(({ id }) => id === parent)
  return isThere ? parent : (turns.at(-1)?.id ?? null)
}

function pendingTurn(
  { atMs, state, code, excess }: Pending,
  { message, text }: SendMessage | EditMessage,
  parent: string | null,
): Turn {
  const shown = state === 'acknowledged' ? 'sent' : state
  return { id: message, parent, text, atMs, state: shown, code, excess, reply: null }
}

function forgetReply(turns: Turn[], message: string): void {
  const index = turns.findLastIndex((turn) => turn.id === message)
  const turn = turns[index]
  // A new answer that is already running is what was asked for.
  if (turn && isSettled(turn)) turns[index] = { ...turn, state: 'sent', reply: null }
}

function goOn(turns: Turn[], answer: string): void {
  const index = turns.findLastIndex((turn) => turn.reply?.id === answer)
  const turn = turns[index]
  if (turn?.reply) turns[index] = { ...turn, reply: { ...turn.reply, state: 'running' } }
}
