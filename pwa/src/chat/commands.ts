/** What a person can ask of the PC. A command keeps its id, so sending it twice changes nothing. */
import type {
  Command,
  CreateChat,
  DeleteChat,
  EditMessage,
  MoveChat,
  RenameChat,
  SendMessage,
  SettingName,
} from '../protocol/generated'
import type { ChatsState, Pending } from './model'
import { titleFrom } from './title'

export type MakeId = () => string

/**
 * The commands that say something in a chat, beginning it where it is new.
 *
 * @param parent where it is said in a branch that was chosen; null for the newest message
 */
export function say(
  makeId: MakeId,
  chat: string,
  said: string,
  isNew: boolean,
  parent: string | null = null,
): Command[] {
  const text = wellFormed(said)
  const send: Command = { type: 'send_message', id: makeId(), chat, message: makeId(), text }
  if (parent !== null) send.parent = parent
  return isNew ? [{ type: 'create_chat', id: makeId(), chat, title: titleFrom(text) }, send] : [send]
}

/** Half a character, cut off while pasting, is nothing that UTF-8 can carry. */
function wellFormed(text: string): string {
  return text.toWellFormed()
}

export type Said = SendMessage | EditMessage

export function isSaid(command: Command): command is Said {
  return command.type === 'send_message' || command.type === 'edit_message'
}

/**
 * The same message in a new command: a refused one would only be refused again.
 *
 * @param isThere whether there is such a message: what it followed, or took the place of, may be gone
 * @param leaf what it follows then; null for the newest message
 */
export function sayAgain(
  makeId: MakeId,
  refused: Said,
  isThere: (message: string) => boolean,
  leaf: string | null,
): Said {
  const again = { ...refused, id: makeId() }
  const before = refused.type === 'edit_message' ? refused.replaces : refused.parent
  if (!before || before === refused.chat || isThere(before)) return again
  const moved = inChat(again, refused.chat)
  return leaf === null ? moved : { ...moved, parent: leaf }
}

/** The same, said after whatever is the newest there. */
export function inChat({ id, message, text }: Said, chat: string): SendMessage {
  return { type: 'send_message', id, chat, message, text }
}

export function inOtherWords(said: Said, text: string): Said {
  return { ...said, text: wellFormed(text) }
}

export function edit(makeId: MakeId, chat: string, replaces: string, text: string): EditMessage {
  return { type: 'edit_message', id: makeId(), chat, replaces, message: makeId(), text: wellFormed(text) }
}

export function regenerate(makeId: MakeId, chat: string, message: string): Command {
  return { type: 'regenerate', id: makeId(), chat, message }
}

export function continueAnswer(makeId: MakeId, chat: string, answer: string): Command {
  return { type: 'continue_answer', id: makeId(), chat, answer }
}

export function stopAnswer(makeId: MakeId, answer: string): Command {
  return { type: 'stop_answer', id: makeId(), answer }
}

export function rename(makeId: MakeId, chat: string, title: string): Command {
  return { type: 'rename_chat', id: makeId(), chat, title }
}

export function move(makeId: MakeId, chat: string, folder: string | null): Command {
  return { type: 'move_chat', id: makeId(), chat, folder }
}

export function remove(makeId: MakeId, chat: string): Command {
  return { type: 'delete_chat', id: makeId(), chat }
}

export function changeSetting(makeId: MakeId, name: SettingName, value: string | null): Command {
  return { type: 'change_setting', id: makeId(), name, value }
}

/** A message that is in the outbox: where it waits, and where the PC would not take it. */
export function pendingOf(pending: readonly Pending[], message: string): { one: Pending; said: Said } | null {
  for (const one of pending) {
    const { command } = one
    if (isSaid(command) && command.message === message) return { one, said: command }
  }
  return null
}

/** What of a chat the PC would not take. */
export function refusedIn(pending: readonly Pending[], chat: string): Said[] {
  return pending.flatMap(({ command, state }) =>
    state === 'refused' && isSaid(command) && command.chat === chat ? [command] : [],
  )
}

/** What becomes of the outbox by a command: what nobody was told of needs no second command. */
export interface Amendment {
  readonly replace: readonly Command[]
  /** Ids. */
  readonly withdraw: readonly string[]
  readonly perform: readonly Command[]
}

export function amend({ heads, pending }: ChatsState, command: Command): Amendment {
  const replace = (by: Command) => ({ replace: [by], withdraw: [], perform: [] })
  const free = pending.filter(isFree).map((one) => one.command)
  switch (command.type) {
    case 'delete_chat':
      return removing(pending, command, heads.has(command.chat))
    case 'rename_chat':
    case 'move_chat':
      for (const other of free) {
        if (!('chat' in other) || other.chat !== command.chat) continue
        if (other.type === command.type) return replace({ ...command, id: other.id })
        if (other.type === 'create_chat') return replace(asCreated(other, command))
      }
      break
    case 'change_setting':
      for (const other of free) {
        if (other.type !== command.type || other.name !== command.name) continue
        return replace({ ...command, id: other.id })
      }
  }
  return { replace: [], withdraw: [], perform: [command] }
}

function asCreated(create: CreateChat, command: RenameChat | MoveChat): CreateChat {
  if (command.type === 'rename_chat') return { ...create, title: command.title }
  return { ...create, folder: command.folder }
}

function removing(
  pending: readonly Pending[],
  command: DeleteChat,
  isConfirmed: boolean,
): Amendment {
  const mine = pending.filter((one) => 'chat' in one.command && one.command.chat === command.chat)
  const mayGo = mine.filter((one) => isFree(one) || one.state === 'refused')
  const withdraw = mayGo.map((one) => one.command.id)
  const isThere = isConfirmed || mayGo.length < mine.length
  return { replace: [], withdraw, perform: isThere ? [command] : [] }
}

/** Whether it can still be changed: the PC cannot have it. */
export function isFree(one: Pending): boolean {
  return one.state === 'waiting' && !one.told
}

export function add(
  state: ChatsState,
  commands: readonly Command[],
  nowMs: number,
  told = false,
): ChatsState {
  const added = commands.map(
    (command): Pending => ({
      command,
      atMs: nowMs,
      state: 'waiting',
      told,
      seq: 0,
      code: null,
      excess: null,
    }),
  )
  return { ...state, pending: [...state.pending, ...added] }
}

export function withdraw(state: ChatsState, ids: readonly string[]): ChatsState {
  const gone = new Set(ids)
  const left = state.pending.filter((one) => !gone.has(one.command.id))
  return { ...state, pending: closeUp(left, state.pending.filter((one) => gone.has(one.command.id))) }
}

/** What was to follow a message that does not come follows what that one was to follow. */
export function closeUp(pending: readonly Pending[], missing: readonly Pending[]): readonly Pending[] {
  const before = new Map<string, string | null | undefined>()
  for (const { command } of missing) {
    if (!isSaid(command)) continue
    before.set(command.message, command.type === 'edit_message' ? command.replaces : command.parent)
  }
  if (before.size === 0) return pending
  return pending.map((one) => {
    const { command } = one
    if (command.type !== 'send_message' || !isFree(one)) return one
    let { parent } = command
    while (parent && before.has(parent)) parent = before.get(parent)
    if (parent === command.parent) return one
    const moved = inChat(command, command.chat)
    return { ...one, command: parent ? { ...moved, parent } : moved }
  })
}
