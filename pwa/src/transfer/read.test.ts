import { expect, it } from 'vitest'
import { baking, openWebui } from '../../tests/support/exports'
import { seeded } from '../../tests/support/messages'
import { bytesOf, randomChat, readBytes, zipOf } from '../../tests/support/transfer'
import { toArchive } from './archive'
import { toJson } from './json'
import { shownPath } from './path'

it('knows each kind by what is in it, and gives the same ids each time', async () => {
  const own = randomChat(seeded(5))
  for (const [file, title, turns] of [
    [bytesOf([baking]), 'Bread', 3],
    [bytesOf(baking), 'Bread', 3],
    [bytesOf(openWebui), 'Bread', 2],
    [bytesOf(toJson([own], 0)), own.title, own.turns.length],
    [bytesOf(`\ufeff${toJson([own], 0)}`), own.title, own.turns.length],
    [await zipOf({ 'conversations.json': [baking] }), 'Bread', 3],
  ] as const) {
    const chats = await readBytes(file)
    expect(chats.map((chat) => [chat.title, chat.turns.length])).toEqual([[title, turns]])
    expect(await readBytes(file)).toEqual(chats)
  }
})

it('makes ids of the time and the source of a thing', async () => {
  const [chat] = await readBytes(bytesOf([baking]))
  const [, question, thanks] = chat!.turns
  expect(parseInt(chat!.id.replace('-', '').slice(0, 12), 16)).toBe(1700000000250)
  expect(parseInt(question!.id.replace('-', '').slice(0, 12), 16)).toBe(1700000010000)
  expect(thanks?.parent).toBe(question?.id)
  const [other] = await readBytes(bytesOf([{ ...baking, conversation_id: 'another' }]))
  expect(other?.turns.some((turn) => turn.id === question?.id)).toBe(false)
  expect(new Set(chat!.turns.flatMap((turn) => [turn.id, ...turn.answers.map(({ id }) => id)])).size).toBe(6)
})

it('tells apart what has one time, or one name', async () => {
  const turns = ['x', 'y'].map((id) => ({ id, text: id, answers: [{ id: 'x', text: 'so' }, { id: 'y', text: 'no' }] }))
  const [chat] = await readBytes(bytesOf({ format: 'hearth-chats', version: 1, chats: [{ id: 'x', turns }] }))
  const ids = chat!.turns.flatMap((turn) => [turn.id, turn.answers[0]?.id, turn.answers[1]?.id])
  expect(new Set([chat!.id, ...ids]).size).toBe(5)
})

it('takes the fuller of two chats that are one', async () => {
  const full = randomChat(seeded(5))
  const begun = { ...full, turns: full.turns.slice(0, 1) }
  for (const chats of [[begun, full, begun], [full, begun]]) {
    expect(await readBytes(bytesOf(toJson(chats, 0)))).toEqual([full])
  }
})

it('reads all parts of an archive of ChatGPT, and nothing else in it', async () => {
  const part = (number: number) => [{ ...baking, conversation_id: String(number), title: String(number) }]
  const chats = await readBytes(
    await zipOf({
      'export/conversations-000.json': part(1),
      'export/conversations-001.json': [...part(2), ...part(1)],
      'export/user.json': { id: 'user' },
      'export/shared_conversations.json': part(3),
      '__MACOSX/export/conversations-002.json': '[{',
      'chat.html': '<html>',
    }),
  )
  expect(chats.map((chat) => chat.title)).toEqual(['1', '2'])
})

it('writes an archive of all chats as Markdown, and reads it', async () => {
  const chats = Array.from({ length: 20 }, (_, seed) => ({
    ...randomChat(seeded(seed)),
    title: seed % 2 === 0 ? 'Same/title' : '..',
  }))
  const archive = new Uint8Array(await (await toArchive(chats)).arrayBuffer())
  const read = await readBytes(archive)
  expect(read.map(({ id, turns }) => [id, turns.length])).toEqual(
    chats.map((chat) => [chat.id, shownPath(chat).length]),
  )
})

it.each([
  ['nothing', '', 'not_recognised'],
  ['a picture', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'not_recognised'],
  ['a text', 'Hello', 'not_recognised'],
  ['other JSON', '{"name":"x"}', 'not_recognised'],
  ['a list of others', '[1, {"a": {}}]', 'not_recognised'],
  ['an empty list', '[]', 'empty'],
  ['chats in which nothing is said', '[{"mapping": {}}]', 'empty'],
  ['JSON that breaks off', '[{"mapping": {', 'damaged'],
  ['an archive that breaks off', Uint8Array.of(0x50, 0x4b, 3, 4, 0), 'damaged'],
])('refuses %s', async (_, file, code) => {
  const bytes = typeof file === 'string' ? bytesOf(file) : file
  await expect(readBytes(bytes)).rejects.toMatchObject({ name: 'ImportError', code })
})

it('refuses an archive without chats, and one with a byte changed', async () => {
  await expect(readBytes(await zipOf({ 'a.txt': 'a', 'b.json': '{}' }))).rejects.toMatchObject({
    code: 'not_recognised',
  })
  const archive = await zipOf({ 'conversations.json': [baking] })
  archive[200]! ^= 1
  await expect(readBytes(archive)).rejects.toMatchObject({ code: 'damaged' })
})
