import { useChats } from '../stores/chats'
import { services } from '../stores/services'
import { chatFromEvents } from '../transfer/events'
import { exportFile, type ExportKind } from '../transfer/exportFile'
import type { PortableChat } from '../transfer/model'
import { type Say, transferWords } from './transferWords'

/** Gives the person one chat as Markdown: what is on this device of it. False where that is nothing. */
export async function saveChat(id: string, say: Say): Promise<boolean> {
  const chat = chatFromEvents(await useChats().events(id))
  if (chat) await give([chat], 'markdown', say)
  return chat !== null
}

/**
 * Gives the person all chats in one file, and says how many there are in it.
 *
 * @param onProgress gets from 0 to 1
 */
export async function saveAll(
  kind: ExportKind,
  say: Say,
  onProgress: (part: number) => void,
): Promise<number> {
  const chats = useChats()
  const ids = chats.allChats()
  const found: PortableChat[] = []
  for (const [index, id] of ids.entries()) {
    const chat = chatFromEvents(await chats.events(id))
    if (chat) found.push(chat)
    onProgress((index + 1) / ids.length)
  }
  if (found.length > 0) await give(found, kind, say)
  return found.length
}

async function give(chats: readonly PortableChat[], kind: ExportKind, say: Say): Promise<void> {
  const { saveFile, now } = services()
  const { name, content } = await exportFile(chats, kind, now(), transferWords(say))
  saveFile(name, content)
}
