/** What to ask of the PC to have a chat that was read from a file. */
import { IMPORT_CHARS } from '../protocol/generated'
import type { Command, CreateChat, ImportedAnswer, ImportedTurn } from '../protocol/generated'
import type { MakeId } from '../chat/commands'
import { fitted, jsonBytes } from './fit'
import { COMMAND_BYTES, COMMAND_TURNS } from './limits'
import type { PortableAnswer, PortableChat, PortableTurn } from './model'
import { english } from './words'
import type { Words } from './words'

export interface ImportOptions {
  /** The person has the chat already, and gets what is new in it. @default false */
  readonly has?: boolean
  /** Under new ids, as a second copy: one that was deleted never comes back under its own. @default false */
  readonly fresh?: boolean
  readonly words?: Words
}

/**
 * The commands in the order in which they are to be sent, each below COMMAND_BYTES as JSON. Whatever
 * the PC has already, it passes over. A message with several answers is named with each of them, the
 * one shown last. Texts that are too long for the wire are cut, and say so.
 */
export function importCommands(
  chat: PortableChat,
  makeId: MakeId,
  { has = false, fresh = false, words = english }: ImportOptions = {},
): Command[] {
  const id = fresh ? renewer(makeId) : (old: string) => old
  const chatId = id(chat.id)
  const create: CreateChat = {
    type: 'create_chat',
    id: makeId(),
    chat: chatId,
    title: chat.title,
    folder: chat.folder,
    at_ms: chat.atMs,
  }
  const turns = chat.turns.flatMap((turn) => imported(turn, chatId, id, words))
  const imports = batches(turns).map(
    (some): Command => ({ type: 'import_turns', id: makeId(), chat: chatId, turns: some }),
  )
  return has ? imports : [create, ...imports]
}

/** The same new id for each old one, of the same time. */
function renewer(makeId: MakeId): (old: string) => string {
  const ids = new Map<string, string>()
  return (old) => {
    const time = old.slice(0, 13)
    const made = ids.get(old) ?? time + makeId().slice(time.length)
    ids.set(old, made)
    return made
  }
}

const modelChars = 200

/** What the names of keys, ids and numbers of a turn with an answer take at most. */
const frameBytes = 1000
const modelBytes = 6 * 2 * modelChars

/** What one text may take: it is then alone in its command. */
const textBytes = COMMAND_BYTES - 2 * frameBytes - modelBytes

function imported(
  turn: PortableTurn,
  chat: string,
  id: (old: string) => string,
  words: Words,
): ImportedTurn[] {
  const said: ImportedTurn = {
    message: id(turn.id),
    parent: turn.parent === null ? chat : id(turn.parent),
    at_ms: turn.atMs,
    text: fitted(turn.text, IMPORT_CHARS, textBytes, words),
  }
  const answers = turn.answers.map((answer) => answered(answer, id, words))
  if (answers.length === 0) return [said]
  return answers.flatMap((answer): ImportedTurn[] => {
    const whole = { ...said, answer }
    if (jsonBytes(whole) <= COMMAND_BYTES - frameBytes) return [whole]
    // Once it is there, its text is passed over, so there is no need to send it with an answer.
    return [said, { ...said, text: '', answer }]
  })
}

function answered(
  { id, atMs, model, text }: PortableAnswer,
  newId: (old: string) => string,
  words: Words,
): ImportedAnswer {
  return {
    answer: newId(id),
    at_ms: atMs,
    model: [...model.toWellFormed().slice(0, 2 * modelChars)].slice(0, modelChars).join(''),
    text: fitted(text, IMPORT_CHARS, textBytes, words),
  }
}

function batches(turns: readonly ImportedTurn[]): ImportedTurn[][] {
  const found: ImportedTurn[][] = []
  let room = 0
  for (const turn of turns) {
    // With the comma between two.
    const bytes = jsonBytes(turn) + 1
    const last = found.at(-1)
    if (last && last.length < COMMAND_TURNS && bytes <= room) {
      last.push(turn)
    } else {
      found.push([turn])
      room = COMMAND_BYTES - frameBytes
    }
    room -= bytes
  }
  return found
}
