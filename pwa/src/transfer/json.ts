/** Whole chats as JSON, all branches and all answers, and back. */
import { parentsFirst } from './order'
import { ImportError } from './model'
import type { PortableChat } from './model'
import type { SourceAnswer, SourceChat, SourceTurn } from './source'
import { folder, list, moment, own, record, text, title } from './values'

export const FORMAT = 'hearth-chats'
export const JSON_VERSION = 1

/** What is in such a file. Times in `at_ms` are milliseconds since 1970. */
export function toJson(chats: readonly PortableChat[], nowMs: number): string {
  const file = {
    format: FORMAT,
    version: JSON_VERSION,
    exported_at: new Date(nowMs).toISOString(),
    chats: chats.map(({ id, title, folder, atMs, turns }) => ({
      id,
      title,
      folder,
      at_ms: atMs,
      turns: turns.map((turn) => ({
        id: turn.id,
        parent: turn.parent,
        at_ms: turn.atMs,
        text: turn.text,
        answers: turn.answers.map(({ id, atMs, model, text }) => ({ id, at_ms: atMs, model, text })),
      })),
    })),
  }
  return `${JSON.stringify(file, null, 1)}\n`
}

export function isOurs(value: unknown): boolean {
  return own(value, 'format') === FORMAT
}

/** @throws {ImportError} `not_recognised`, where a newer version wrote it; `damaged`. */
export function readOurs(value: unknown): SourceChat[] {
  if (own(value, 'version') !== JSON_VERSION) throw new ImportError('not_recognised')
  const chats = own(value, 'chats')
  if (!Array.isArray(chats)) throw new ImportError('damaged')
  return chats.map(readChat)
}

function readChat(value: unknown): SourceChat {
  if (!record(value)) throw new ImportError('damaged')
  return {
    kind: 'hearth',
    id: text(own(value, 'id')) ?? '',
    title: title(own(value, 'title')),
    folder: folder(own(value, 'folder')),
    atMs: moment(own(value, 'at_ms'), 1),
    turns: parentsFirst(list(own(value, 'turns')).map(readTurn)),
  }
}

function readTurn(value: unknown, index: number): SourceTurn {
  const said = text(own(value, 'text'))
  if (said === null) throw new ImportError('damaged')
  const id = text(own(value, 'id')) ?? `message ${String(index)}`
  return {
    id,
    parent: text(own(value, 'parent')),
    atMs: moment(own(value, 'at_ms'), 1),
    text: said,
    answers: list(own(value, 'answers')).map((answer, index) => readAnswer(answer, id, index)),
  }
}

function readAnswer(value: unknown, turn: string, index: number): SourceAnswer {
  const said = text(own(value, 'text'))
  if (said === null) throw new ImportError('damaged')
  return {
    id: text(own(value, 'id')) ?? `answer ${String(index)} to ${turn}`,
    atMs: moment(own(value, 'at_ms'), 1),
    model: text(own(value, 'model')) ?? '',
    text: said,
  }
}
