/** What `markdown.ts` writes, back into chats. Several files in one, one after the other, are read too. */
import { MARKDOWN_VERSION } from './markdown'
import { folder, moment, own, record, text, title } from './values'
import type { Json } from './values'
import { ImportError } from './model'
import type { SourceAnswer, SourceChat, SourceTurn } from './source'

const marker = /^<!-- hearth (chat|message|answer) (\{.*\}) -->$/s
const escapedMarker = /^\\+<!-- hearth /

export function isMarkdown(content: string): boolean {
  return /^\s{0,100}<!-- hearth chat \{/.test(content.slice(0, 200))
}

/** @throws {ImportError} `damaged`, where what is between texts is not as it was written. */
export function readMarkdown(content: string): SourceChat[] {
  // Programs of Windows may have saved it with other line ends throughout.
  const first = content.slice(0, content.indexOf('\n') + 1)
  const lines = (first.endsWith('\r\n') ? content.replaceAll('\r\n', '\n') : content).split('\n')
  if (lines.at(-1) === '') lines.pop()
  const reader = new Reader()
  let start = -1
  for (let index = 0; index <= lines.length; index++) {
    if (index < lines.length && !marker.test(lines[index] ?? '')) continue
    if (start >= 0) reader.take(lines.slice(start, index), index === lines.length)
    start = index
  }
  if (reader.chats.length === 0) throw new ImportError('damaged')
  return reader.chats
}

interface OpenChat extends SourceChat {
  turns: OpenTurn[]
}

interface OpenTurn extends SourceTurn {
  answers: SourceAnswer[]
}

class Reader {
  readonly chats: OpenChat[] = []

  /** A comment and all the lines up to the next one. */
  take(lines: readonly string[], isLast: boolean): void {
    const [, kind, json = ''] = marker.exec(lines[0] ?? '') ?? []
    const fields = parsed(json)
    const chat = this.chats.at(-1)
    if (kind === 'chat') return this.begin(fields)
    if (!chat) throw new ImportError('damaged')
    const body = texts(lines, isLast, own(fields, 'closed') === true)
    const atMs = moment(own(fields, 'at_ms'), 1) ?? chat.atMs
    const given = text(own(fields, 'id')) ?? ''
    if (kind === 'message') {
      const parent = chat.turns.at(-1)?.id ?? null
      const id = given || `message ${String(chat.turns.length)}`
      chat.turns.push({ id, parent, atMs, text: body, answers: [] })
      return
    }
    const turn = chat.turns.at(-1)
    if (!turn) throw new ImportError('damaged')
    const id = given || `answer to ${turn.id}`
    turn.answers.push({ id, atMs, model: text(own(fields, 'model')) ?? '', text: body })
  }

  private begin(fields: Json): void {
    if (own(fields, 'version') !== MARKDOWN_VERSION) throw new ImportError('not_recognised')
    this.chats.push({
      kind: 'hearth',
      id: text(own(fields, 'id')) ?? '',
      title: title(own(fields, 'title')),
      folder: folder(own(fields, 'folder')),
      atMs: moment(own(fields, 'at_ms'), 1),
      turns: [],
    })
  }
}

function parsed(json: string): Json {
  try {
    const fields = record(JSON.parse(json))
    if (fields) return fields
  } catch {
    // Told below.
  }
  throw new ImportError('damaged')
}

function texts(lines: readonly string[], isLast: boolean, closed: boolean): string {
  let start = 1
  if (lines[start]?.startsWith('## ')) start += 1
  if (lines[start] === '') start += 1
  // The empty line before the next comment is not of the text.
  let end = lines.length - (!isLast && lines.length > start && lines.at(-1) === '' ? 1 : 0)
  if (closed && end > start) end -= 1
  return lines
    .slice(start, end)
    .map((line) => (escapedMarker.test(line) ? line.slice(1) : line))
    .join('\n')
}
