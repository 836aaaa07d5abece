import { expect, it } from 'vitest'
import { seeded } from '../../tests/support/messages'
import { bytesOf, randomChat, readBytes } from '../../tests/support/transfer'
import { toMarkdown } from './markdown'
import type { PortableChat } from './model'
import { shownPath } from './path'

/** What is left of a chat in Markdown: the shown path, with the answers that are shown. */
function shown(chat: PortableChat): PortableChat {
  const path = shownPath(chat)
  const turns = path.map((turn, index) => ({
    ...turn,
    parent: path[index - 1]?.id ?? null,
    answers: turn.answers.slice(-1),
  }))
  return { ...chat, turns }
}

const chat: PortableChat = {
  id: '019ab100-0000-7000-8000-000000000001',
  title: 'Bread <em>& salt',
  folder: null,
  atMs: Date.UTC(2026, 10, 22, 21, 56),
  turns: [
    {
      id: '019ab100-0000-7000-8000-000000000002',
      parent: null,
      atMs: Date.UTC(2026, 10, 22, 21, 56),
      text: 'How?\n\n# With a heading',
      answers: [
        {
          id: '019ab100-0000-7000-8000-000000000003',
          atMs: Date.UTC(2026, 10, 22, 21, 57),
          model: 'qwen3',
          text: 'So:\n```sh\nbake',
        },
      ],
    },
  ],
}

it('is Markdown that a person can read', () => {
  expect(toMarkdown(chat)).toBe(`<!-- hearth chat {"version":1,"id":"019ab100-0000-7000-8000-000000000001","title":"Bread \\u003cem\\u003e& salt","folder":null,"at_ms":1795384560000} -->
# Bread \\<em\\>\\& salt

<!-- hearth message {"id":"019ab100-0000-7000-8000-000000000002","at_ms":1795384560000} -->
## You · 2026-11-22 21:56 UTC

How?

# With a heading

<!-- hearth answer {"id":"019ab100-0000-7000-8000-000000000003","at_ms":1795384620000,"model":"qwen3","closed":true} -->
## qwen3 · 2026-11-22 21:57 UTC

So:
\`\`\`sh
bake
\`\`\`
`)
})

it('reads back the shown path, whatever the texts', async () => {
  for (let seed = 0; seed < 1000; seed++) {
    const chat = randomChat(seeded(seed))
    const read = await readBytes(bytesOf(toMarkdown(chat)))
    expect(read, `seed ${String(seed)}`).toEqual([shown(chat)])
  }
})

it('reads back several files in one', async () => {
  const other = { ...chat, id: '019ab100-0000-7000-8000-000000000009' }
  expect(await readBytes(bytesOf(toMarkdown(chat) + toMarkdown(other)))).toEqual([chat, other])
})

it('reads a file that was saved with the line ends of Windows', async () => {
  expect(await readBytes(bytesOf(toMarkdown(chat).replaceAll('\n', '\r\n')))).toEqual([chat])
})

it.each([
  ['a newer version', '<!-- hearth chat {"version":2} -->\n# T\n', 'not_recognised'],
  ['a comment that is cut off', '<!-- hearth chat {"version":1', 'damaged'],
  ['a comment that is no JSON', '<!-- hearth chat {"version":} -->', 'damaged'],
  ['an answer to nothing', '<!-- hearth chat {"version":1} -->\n<!-- hearth answer {} -->', 'damaged'],
])('refuses %s', async (_, file, code) => {
  await expect(readBytes(bytesOf(file))).rejects.toMatchObject({ name: 'ImportError', code })
})
