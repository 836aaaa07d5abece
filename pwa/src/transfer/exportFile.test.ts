import { expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import { randomChat, readBytes } from '../../tests/support/transfer'
import { exportFile } from './exportFile'

const chats = [1, 2, 3].map((seed) => ({ ...randomChat(seeded(seed)), title: 'Bread/salt' }))
const now = Date.UTC(2026, 10, 22, 21, 56)

it.each([
  ['one', 1, 'json', 'Bread salt.json', 'application/json'],
  ['one', 1, 'markdown', 'Bread salt.md', 'text/markdown;charset=utf-8'],
  ['several', 3, 'json', 'hearth-2026-11-22.json', 'application/json'],
  ['several', 3, 'markdown', 'hearth-2026-11-22.zip', 'application/zip'],
] as const)('makes of %s (%i) as %s the file %s', async (_, count, kind, name, type) => {
  const file = await exportFile(chats.slice(0, count), kind, now)
  expect([file.name, file.content.type]).toEqual([name, type])
  const read = await readBytes(new Uint8Array(await file.content.arrayBuffer()))
  expect(read.map(({ id }) => id)).toEqual(chats.slice(0, count).map(({ id }) => id))
})
