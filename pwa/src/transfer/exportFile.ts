/** A file to hand to the person, with its name. */
import { toArchive } from './archive'
import { fileName } from './fileName'
import { toJson } from './json'
import { toMarkdown } from './markdown'
import type { PortableChat } from './model'
import { english } from './words'
import type { Words } from './words'

export type ExportKind = 'markdown' | 'json'

export interface ExportFile {
  readonly name: string
  readonly content: Blob
}

/** One chat is named after its title; of several, Markdown is an archive with a file for each. */
export async function exportFile(
  chats: readonly PortableChat[],
  kind: ExportKind,
  nowMs: number,
  words: Words = english,
): Promise<ExportFile> {
  const [only] = chats
  const day = `hearth-${new Date(nowMs).toISOString().slice(0, 10)}`
  const name = only && chats.length === 1 ? fileName(only.title, day) : day
  if (kind === 'json') {
    const content = new Blob([toJson(chats, nowMs)], { type: 'application/json' })
    return { name: `${name}.json`, content }
  }
  if (only && chats.length === 1) {
    const content = new Blob([toMarkdown(only, words)], { type: 'text/markdown;charset=utf-8' })
    return { name: `${name}.md`, content }
  }
  return { name: `${name}.zip`, content: await toArchive(chats, words) }
}
