/**
 * A chat as Markdown that a person can read anywhere, and that can be read back exactly.
 *
 * Comments, which no reader shows, say where each text begins and what a heading cannot say exactly:
 *
 *     <!-- hearth chat {"version":1,"id":"…","title":"…","folder":null,"at_ms":…} -->
 *     # The title
 *
 *     <!-- hearth message {"id":"…","at_ms":…} -->
 *     ## You · 2026-11-22 21:56 UTC
 *
 *     What was said, as it was said.
 *
 *     <!-- hearth answer {"id":"…","at_ms":…,"model":"…"} -->
 *
 * A line of a text that looks like such a comment has a backslash before it, as in Markdown. Where a
 * text leaves a block of code open, a line closes it and the comment has `"closed":true`.
 */
import { openFence } from './fences'
import { LAST_MS } from './limits'
import type { PortableChat } from './model'
import { shownPath } from './path'
import { english } from './words'
import type { Words } from './words'

export const MARKDOWN_VERSION = 1

type Kind = 'chat' | 'message' | 'answer'

/** The shown path of a chat. Other branches and earlier answers are only in JSON. */
export function toMarkdown(chat: PortableChat, words: Words = english): string {
  const { id, title, folder, atMs } = chat
  const head = { version: MARKDOWN_VERSION, id, title, folder, at_ms: atMs }
  const parts = [`${comment('chat', head)}\n# ${escaped(title)}`]
  for (const turn of shownPath(chat)) {
    parts.push(section('message', { id: turn.id, at_ms: turn.atMs }, words.person, turn.text))
    const answer = turn.answers.at(-1)
    if (!answer) continue
    const { id, atMs, model, text } = answer
    parts.push(section('answer', { id, at_ms: atMs, model }, model || words.assistant, text))
  }
  return `${parts.join('\n\n')}\n`
}

function section(
  kind: Kind,
  fields: { readonly id: string; readonly at_ms: number; readonly model?: string },
  who: string,
  text: string,
): string {
  const lines = text.toWellFormed().split('\n')
  const fence = openFence(lines)
  const marker = comment(kind, fence === null ? fields : { ...fields, closed: true })
  const body = lines.map((line) => (likeComment.test(line) ? `\\${line}` : line))
  if (fence !== null) body.push(fence)
  return [marker, `## ${escaped(who)} · ${day(fields.at_ms)}`, '', ...body].join('\n')
}

const likeComment = /^\\*<!-- hearth /

function comment(kind: Kind, fields: object): string {
  // Nothing in the text can end the comment.
  const json = JSON.stringify(fields).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e')
  return `<!-- hearth ${kind} ${json.toWellFormed()} -->`
}

/** One line in which no character means anything to Markdown. */
function escaped(text: string): string {
  const line = text.toWellFormed().replace(/\s+/g, ' ').trim()
  return line.replace(/[\\`*_[\]<>&#~|]/g, '\\$&')
}

function day(ms: number): string {
  return `${new Date(Math.min(Math.max(ms, 0), LAST_MS)).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
