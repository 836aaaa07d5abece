import { expect, it } from 'vitest'
import { baking, conversation, openWebui } from '../../tests/support/exports'
import { seeded } from '../../tests/support/messages'
import { bytesOf, ids, overTheWire, pick, randomChat, readBytes, zipOf } from '../../tests/support/transfer'
import { importCommands } from './commands'
import { toJson } from './json'
import { toMarkdown } from './markdown'
import { ImportError } from './model'

type Random = () => number
type Bytes = Uint8Array<ArrayBuffer>

/** Reads it, and sends what comes out: either the wire takes it, or the file is refused. */
async function attempt(file: Bytes): Promise<'read' | 'refused'> {
  try {
    for (const chat of await readBytes(file)) overTheWire(importCommands(chat, ids(seeded(1))))
    return 'read'
  } catch (error) {
    if (error instanceof ImportError) return 'refused'
    throw error
  }
}

const odd: readonly unknown[] = [
  ...[null, true, -1, 0, 1e308, -0.5, 2 ** 60, '', 'x', 'root', '\ud800', [], {}, [[]], [null], { parts: 7 }],
  ...['x'.repeat(300), { __proto__: null }, { role: 'assistant' }, 'a1', 'q1', 'question', { 'toString': 1 }],
]

/** A copy with a few values, anywhere in it, replaced by others. */
function mutated(value: unknown, random: Random): unknown {
  if (random() < 0.02) return pick(random, odd)
  if (Array.isArray(value)) return value.map((item) => mutated(item, random))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(() => random() > 0.01)
      .map(([key, item]) => [random() < 0.01 ? '__proto__' : key, mutated(item, random)]),
  )
}

it('takes or refuses JSON with any values replaced', async () => {
  const samples = [[baking], openWebui, JSON.parse(toJson([randomChat(seeded(3))], 0)) as unknown]
  let read = 0
  for (let seed = 0; seed < 1500; seed++) {
    const random = seeded(seed)
    const file = bytesOf(mutated(pick(random, samples), random))
    const outcome = await attempt(file).catch((error: unknown) => {
      throw new Error(`seed ${String(seed)}`, { cause: error })
    })
    if (outcome === 'read') read += 1
  }
  expect(read).toBeGreaterThan(500)
})

it('takes or refuses files with any bytes changed, cut off or doubled', async () => {
  const own = randomChat(seeded(3))
  const samples = [
    bytesOf([baking]),
    bytesOf(toMarkdown(own)),
    bytesOf(toJson([own], 0)),
    await zipOf({ 'conversations.json': [baking], 'user.json': {} }),
  ]
  for (let seed = 0; seed < 1500; seed++) {
    const random = seeded(seed)
    const file = pick(random, samples).slice()
    for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
      file[Math.floor(random() * file.length)] = Math.floor(random() * 256)
    }
    const end = random() < 0.3 ? Math.floor(random() * file.length) : file.length
    await attempt(file.slice(0, end)).catch((error: unknown) => {
      throw new Error(`seed ${String(seed)}`, { cause: error })
    })
  }
})

it('reads a chat that is 30,000 messages deep', async () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 30_000 }, (_, index) => [
      `n${String(index)}`,
      { parent: index === 0 ? null : `n${String(index - 1)}`, role: index % 2 ? 'assistant' : 'user', text: 'x' },
    ]),
  )
  const [chat] = await readBytes(bytesOf([conversation(nodes, 'n29999')]))
  expect(chat?.turns).toHaveLength(15_000)
  expect(importCommands(chat!, ids(seeded(1)))).toHaveLength(1 + Math.ceil(15_000 / 64))
}, 60_000)

it('refuses lists within lists without end', async () => {
  expect(await attempt(bytesOf('['.repeat(1_000_000)))).toBe('refused')
  expect(await attempt(bytesOf(`{"chat":${'['.repeat(500_000)}${']'.repeat(500_000)}}`))).toBe('refused')
})
