import { uuidv7 } from '../../src/chat/ids'
import { decoder } from '../../src/protocol/decode'
import { CommandShape } from '../../src/protocol/generated'
import type { Command } from '../../src/protocol/generated'
import type { PortableAnswer, PortableChat, PortableTurn } from '../../src/transfer/model'
import { readExport } from '../../src/transfer/read'
import type { ZipFile } from '../../src/transfer/zipWrite'
import { zip } from '../../src/transfer/zipWrite'

type Random = () => number
type Bytes = Uint8Array<ArrayBuffer>

export const bytesOf = (value: unknown): Bytes =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

export const readBytes = (bytes: Bytes) => readExport(new Blob([bytes]))

export async function zipOf(files: Readonly<Record<string, unknown>>): Promise<Bytes> {
  const list = Object.entries(files).map(
    ([name, value]): ZipFile => ({
      name,
      text: typeof value === 'string' ? value : JSON.stringify(value),
      atMs: 0,
    }),
  )
  return new Uint8Array(await (await zip(list)).arrayBuffer())
}

/** Ids as the app makes them, the same ones each time. */
export function ids(random: Random, nowMs = Date.UTC(2026, 10, 22)): () => string {
  return () =>
    uuidv7(nowMs, (bytes) => {
      for (let index = 0; index < bytes.length; index++) bytes[index] = Math.floor(random() * 256)
      return bytes
    })
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const found = from[Math.floor(random() * from.length)]
  if (found === undefined) throw new RangeError('Nothing to pick from.')
  return found
}

/** What texts are made of that a format could trip over. */
const pieces = [
  ...['\n', '\n\n', '\r\n', '\r', ' ', '\t', '\\', '#', '# A heading\n', '## You · 2026\n', '---\n'],
  ...['```', '```js\n', '\n```\n', '~~~~\n', '    code\n', '`', '<', '>', '-->', '<!--', '</details>'],
  ...['<!-- hearth message {"id":"1","at_ms":1} -->', '\n<!-- hearth answer {"id":"1"} -->\n'],
  ...['\n<!-- hearth chat {"version":1} -->\n', '\n\\<!-- hearth message', '\n\\\\<!-- hearth '],
  ...['слово', 'word', '漢字', '👩‍👩‍👧', '\u0000', '\u2028', '\ufeff', '"', "'", '{', '}', '[', '$&', '\ue200'],
]

export function randomText(random: Random): string {
  const length = Math.floor(random() ** 2 * 12)
  return Array.from({ length }, () => pick(random, pieces)).join('')
}

export function randomChat(random: Random): PortableChat {
  const makeId = ids(random)
  const atMs = () => Math.floor(random() * 2 ** 42)
  const turns: PortableTurn[] = []
  for (let left = Math.floor(random() * 8); left > 0; left--) {
    const answers = Array.from(
      { length: Math.floor(random() * 3) },
      (): PortableAnswer => ({ id: makeId(), atMs: atMs(), model: randomText(random), text: randomText(random) }),
    )
    const parent = turns.length > 0 && random() < 0.8 ? pick(random, turns).id : null
    turns.push({ id: makeId(), parent, atMs: atMs(), text: randomText(random), answers })
  }
  const title = randomText(random).slice(0, 60).toWellFormed() || 'A chat'
  return { id: makeId(), title, folder: random() < 0.5 ? null : 'A folder', atMs: atMs(), turns }
}

const decode = decoder<Command>(CommandShape)

/** The commands as the PC gets them; throws where the wire would not take one. */
export function overTheWire(commands: readonly Command[]): Command[] {
  return commands.map((command) => decode(JSON.stringify(command)))
}
