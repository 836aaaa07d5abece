/** What a person can ask of the PC. A command keeps its id, so sending it twice changes nothing. */
import type { Command, SendMessage } from '../protocol/generated'
import type { ChatsState, Pending } from './model'
import { titleFrom } from './title'

export type MakeId = () => string

/** The commands that say something in a chat, beginning it where it is new. */
export function say(makeId: MakeId, chat: string, said: string, isNew: boolean): Command[] {
  // Half a character, cut off while pasting, is nothing that UTF-8 can carry.
  const text = said.toWellFormed()
  const send: Command = { type: 'send_message', id: makeId(), chat, message: makeId(), text }
  return isNew ? [{ type: 'create_chat', id: makeId(), chat, title: titleFrom(text) }, send] : [send]
}

/** The same message in a new command: a refused one would only be refused again. */
export function sayAgain(makeId: MakeId, refused: SendMessage): Command {
  return { ...refused, id: makeId() }
}

export function add(state: ChatsState, commands: readonly Command[], nowMs: number): ChatsState {
  const added = commands.map(
    (command): Pending => ({ command, atMs: nowMs, state: 'waiting', seq: 0, code: null, excess: null }),
  )
  return { ...state, pending: [...state.pending, ...added] }
}

export function withdraw(state: ChatsState, id: string): ChatsState {
  return { ...state, pending: state.pending.filter((one) => one.command.id !== id) }
}

/** What to send after a reconnect, in the order it was given. */
export function unsent(state: ChatsState): Command[] {
  return state.pending.filter((one) => one.state === 'waiting').map((one) => one.command)
}
