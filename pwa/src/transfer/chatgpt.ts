/**
 * ChatGPT's `conversations.json`: a list of chats, each a tree of nodes under `mapping`. There is no
 * published description; this follows files as they are found. Times are seconds since 1970.
 */
import { turnsFromNodes } from './nodes'
import type { SourceNode } from './nodes'
import type { SourceChat } from './source'
import { list, moment, name, own, record, text, title } from './values'
import type { Json } from './values'
import type { Words } from './words'

export function isChatGpt(value: unknown): boolean {
  return record(own(value, 'mapping')) !== null
}

export function readChatGpt(value: unknown, words: Words): SourceChat {
  const mapping = record(own(value, 'mapping')) ?? {}
  const atMs = moment(own(value, 'create_time'), 1000)
  const current = text(own(value, 'current_node'))
  const model = text(own(value, 'default_model_slug')) ?? ''
  const nodes = Object.entries(mapping).map(([id, node]) => readNode(id, node, model, words))
  return {
    kind: 'chatgpt',
    id: name(own(value, 'conversation_id')) ?? name(own(value, 'id')) ?? '',
    title: title(own(value, 'title')),
    folder: null,
    atMs,
    turns: turnsFromNodes(nodes, current),
  }
}

function readNode(id: string, node: unknown, model: string, words: Words): SourceNode {
  const message = record(own(node, 'message')) ?? {}
  const metadata = own(message, 'metadata')
  const by = speaker(message)
  return {
    id,
    parent: text(own(node, 'parent')),
    by,
    text: by === 'neither' ? '' : said(message, words),
    atMs: moment(own(message, 'create_time'), 1000),
    model: name(own(metadata, 'model_slug')) ?? model,
  }
}

const hiding = ['is_visually_hidden_from_conversation', 'is_user_system_message']

/** Content that the person was shown; thoughts, calls of tools and settings are not. */
const shown = ['text', 'multimodal_text', 'code']

function speaker(message: Json): SourceNode['by'] {
  const metadata = own(message, 'metadata')
  const type = own(own(message, 'content'), 'content_type')
  if (hiding.some((key) => own(metadata, key) === true)) return 'neither'
  if (!shown.includes(text(type) ?? '') || own(message, 'channel') === 'analysis') return 'neither'
  const role = own(own(message, 'author'), 'role')
  if (role === 'user') return 'person'
  // A picture is made by a tool; anything else that one says is between it and the model.
  if (role === 'tool') return type === 'multimodal_text' ? 'model' : 'neither'
  return role === 'assistant' && (own(message, 'recipient') ?? 'all') === 'all' ? 'model' : 'neither'
}

function said(message: Json, words: Words): string {
  const content = own(message, 'content')
  const isTool = own(own(message, 'author'), 'role') === 'tool'
  const parts = list(own(content, 'parts'))
  const texts = parts.map((part) => (isTool && !isImage(part) ? '' : spoken(part, parts, words)))
  texts.push(text(own(content, 'text')) ?? '', ...files(message, words))
  return withoutMarks(texts.filter((one) => one.trim() !== '').join('\n\n'))
}

const isImage = (part: unknown) => own(part, 'content_type') === 'image_asset_pointer'
const isTranscript = (part: unknown) => own(part, 'content_type') === 'audio_transcription'

function spoken(part: unknown, parts: readonly unknown[], words: Words): string {
  if (typeof part === 'string') return part.toWellFormed()
  switch (own(part, 'content_type')) {
    case 'image_asset_pointer':
      return `[${words.image}]`
    case 'audio_asset_pointer':
      return parts.some(isTranscript) ? '' : `[${words.audio}]`
    case 'real_time_user_audio_video_asset_pointer':
      return parts.some(isTranscript) ? '' : `[${words.video}]`
    default:
      return text(own(part, 'text')) ?? ''
  }
}

/** Files beside a message by their names; its pictures are among its parts. */
function files(message: Json, words: Words): string[] {
  return list(own(own(message, 'metadata'), 'attachments'))
    .filter((file) => !(text(own(file, 'mime_type')) ?? '').startsWith('image/'))
    .map((file) => (text(own(file, 'name')) ?? '').replace(/\s+/g, ' ').trim().slice(0, 200))
    .map((called) => (called ? `[${words.file}: ${called}]` : `[${words.file}]`))
}

/** References between private characters: only the name in one of a thing is text. */
function withoutMarks(text: string): string {
  return text.replace(/\ue200([^\ue200\ue201]*)\ue201/g, (_, inner: string) => {
    const [kind, detail = ''] = inner.split('\ue202')
    return kind === 'entity' ? entityName(detail) : ''
  })
}

function entityName(detail: string): string {
  try {
    return text(list(JSON.parse(detail))[1]) ?? ''
  } catch {
    return ''
  }
}
