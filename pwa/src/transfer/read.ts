/** Any file that people bring: what it is, is seen by what is in it. */
import { isChatGpt, readChatGpt } from './chatgpt'
import { isOurs, readOurs } from './json'
import { FILE_BYTES } from './limits'
import { ImportError } from './model'
import type { PortableChat } from './model'
import { isOpenWebui, readOpenWebui } from './openWebui'
import { toPortable } from './portable'
import { isMarkdown, readMarkdown } from './readMarkdown'
import type { SourceChat } from './source'
import { english } from './words'
import type { Words } from './words'
import { isZip, zipEntries } from './zip'
import type { ZipEntry } from './zip'

type Bytes = Uint8Array<ArrayBuffer>

/**
 * The chats in a file: our JSON or Markdown, ChatGPT's `conversations.json`, Open WebUI's JSON, or a
 * ZIP archive with such files. Chats have the same ids each time that a file is read.
 *
 * @throws {ImportError} where nothing can be made of it, and nothing else.
 */
export async function readExport(file: Blob, words: Words = english): Promise<PortableChat[]> {
  const sources = (await isZip(file)) ? await readArchive(file, words) : await readWhole(file, words)
  if (sources.length === 0) throw new ImportError('empty')
  return await toPortable(sources, words)
}

async function readWhole(file: Blob, words: Words): Promise<SourceChat[]> {
  if (file.size > FILE_BYTES) throw new ImportError('too_large')
  return readFile(new Uint8Array(await file.arrayBuffer()), words)
}

async function readArchive(file: Blob, words: Words): Promise<SourceChat[]> {
  const entries = wanted(await zipEntries(file))
  let left = FILE_BYTES
  let known = false
  const chats: SourceChat[] = []
  for (const entry of entries) {
    const content = await entry.read(left)
    left -= content.length
    try {
      for (const chat of readFile(content, words)) chats.push(chat)
      known = true
    } catch (error) {
      // What else is in the archive need not be chats.
      if (!(error instanceof ImportError) || error.code !== 'not_recognised') throw error
    }
  }
  if (!known) throw new ImportError('not_recognised')
  return chats
}

const hidden = /(^|\/)(__MACOSX\/|\.)/

/** ChatGPT's archive has other JSON too; where there are its chats, nothing else is looked at. */
function wanted(entries: readonly ZipEntry[]): ZipEntry[] {
  const seen = entries.filter(({ name }) => !hidden.test(name))
  const ofChatGpt = seen.filter(({ name }) => /(^|\/)conversations(-\d+)?\.json$/.test(name))
  return ofChatGpt.length > 0 ? ofChatGpt : seen.filter(({ name }) => /\.(json|md)$/i.test(name))
}

function readFile(bytes: Bytes, words: Words): SourceChat[] {
  const content = decoded(bytes)
  if (isMarkdown(content)) return readMarkdown(content)
  if (!/^\s*[[{]/.test(content.slice(0, 1000))) throw new ImportError('not_recognised')
  return readValue(parsed(content), words)
}

function readValue(value: unknown, words: Words): SourceChat[] {
  if (isOurs(value)) return readOurs(value)
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value]
  const chats: SourceChat[] = []
  for (const row of rows) {
    if (isChatGpt(row)) chats.push(readChatGpt(row, words))
    else if (isOpenWebui(row)) chats.push(readOpenWebui(row, words))
  }
  if (rows.length > 0 && chats.length === 0) throw new ImportError('not_recognised')
  return chats.filter((chat) => chat.turns.length > 0)
}

function decoded(bytes: Bytes): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    // Bytes that are no text are a TypeError, and a text that is too long for the engine is not.
    throw new ImportError(error instanceof TypeError ? 'not_recognised' : 'too_large')
  }
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    throw new ImportError('damaged')
  }
}
