/**
 * Open WebUI's export of chats: a list of rows of its table, each with the chat's document, in which
 * `history` is the tree of messages. Early versions had only the list `messages`. Times are seconds
 * since 1970, but `chat.timestamp` is milliseconds.
 */
import { turnsFromNodes } from './nodes'
import type { SourceNode } from './nodes'
import type { SourceChat } from './source'
import { folder, list, moment, name, own, record, text, title } from './values'
import type { Words } from './words'

export function isOpenWebui(value: unknown): boolean {
  const chat = documentOf(value)
  return record(own(own(chat, 'history'), 'messages')) !== null || Array.isArray(own(chat, 'messages'))
}

export function readOpenWebui(value: unknown, words: Words): SourceChat {
  const chat = documentOf(value)
  const history = own(chat, 'history')
  const tree = record(own(history, 'messages'))
  const nodes = tree
    ? Object.entries(tree).map(([id, message]) => readMessage(id, message, own(message, 'parentId'), words))
    : inOrder(list(own(chat, 'messages')), words)
  return {
    kind: 'open_webui',
    id: name(own(value, 'id')) ?? name(own(chat, 'id')) ?? '',
    title: title(own(value, 'title')) ?? title(own(chat, 'title')),
    folder: folder(own(value, 'folder')),
    atMs: moment(own(value, 'created_at'), 1000) ?? moment(own(chat, 'timestamp'), 1),
    turns: turnsFromNodes(nodes, tree ? text(own(history, 'currentId')) : (nodes.at(-1)?.id ?? null)),
  }
}

/** The chat itself, which is in a row of its own in all but a few files. */
function documentOf(value: unknown): unknown {
  return record(own(value, 'chat')) ?? value
}

function inOrder(messages: readonly unknown[], words: Words): SourceNode[] {
  let parent: string | null = null
  return messages.map((message, index) => {
    const id = name(own(message, 'id')) ?? `message ${String(index)}`
    const node = readMessage(id, message, parent, words)
    parent = id
    return node
  })
}

function readMessage(id: string, message: unknown, parent: unknown, words: Words): SourceNode {
  const role = own(message, 'role')
  const by = role === 'user' ? 'person' : role === 'assistant' ? 'model' : 'neither'
  const files = list(own(message, 'files')).map((file) => named(file, words))
  const parts = [withoutDetails(written(own(message, 'content'), words)), ...files]
  return {
    id,
    parent: text(parent),
    by,
    text: parts.filter((part) => part !== '').join('\n\n'),
    atMs: moment(own(message, 'timestamp'), 1000),
    model: name(own(message, 'model')) ?? name(own(message, 'modelName')) ?? '',
  }
}

/** Text, or a list of parts as in OpenAI's API. */
function written(content: unknown, words: Words): string {
  const whole = text(content)
  if (whole !== null) return whole
  return list(content)
    .map((part) => text(own(part, 'text')) ?? (own(part, 'type') === 'image_url' ? `[${words.image}]` : ''))
    .filter((part) => part !== '')
    .join('\n\n')
}

function named(file: unknown, words: Words): string {
  if (own(file, 'type') === 'image') return `[${words.image}]`
  const called = (text(own(file, 'name')) ?? '').replace(/\s+/g, ' ').trim().slice(0, 200)
  return called ? `[${words.file}: ${called}]` : `[${words.file}]`
}

const end = '</details>'

/** Thoughts and calls of tools stand as HTML in the text of an answer, and are no part of it. */
function withoutDetails(content: string): string {
  const start = /<details type="(?:reasoning|tool_calls|code_interpreter)"/g
  const kept: string[] = []
  let at = 0
  for (let match = start.exec(content); match; match = start.exec(content)) {
    const close = content.indexOf(end, match.index)
    if (close < 0) break
    kept.push(content.slice(at, match.index).trimEnd())
    at = close + end.length
    start.lastIndex = at
  }
  kept.push(content.slice(at))
  return kept.length === 1 ? content : kept.map((part) => part.trim()).filter(Boolean).join('\n\n')
}
