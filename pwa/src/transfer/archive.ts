import { distinct, fileName } from './fileName'
import { toMarkdown } from './markdown'
import type { PortableChat } from './model'
import { english } from './words'
import type { Words } from './words'
import { zip } from './zipWrite'

/** All chats as a ZIP archive, each a Markdown file named after its title, in its folder. */
export async function toArchive(chats: readonly PortableChat[], words: Words = english): Promise<Blob> {
  const names = distinct(
    chats.map(({ title, folder }) => {
      const name = fileName(title, words.untitled)
      return folder === null ? name : `${fileName(folder, words.untitled)}/${name}`
    }),
  )
  return await zip(
    chats.map((chat, index) => ({
      name: `${names[index] ?? chat.id}.md`,
      text: toMarkdown(chat, words),
      atMs: chat.turns.at(-1)?.atMs ?? chat.atMs,
    })),
  )
}
