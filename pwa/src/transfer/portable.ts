/** Chats of a file with ids of ours, the same ones every time that the file is read. */
import { uuidv7 } from '../chat/ids'
import { titleFrom } from '../chat/title'
import type { PortableAnswer, PortableChat, PortableTurn } from './model'
import type { SourceChat, SourceTurn } from './source'
import { isId } from './values'
import type { Words } from './words'

/** Two chats of one id are one chat, and the fuller is taken. */
export async function toPortable(sources: readonly SourceChat[], words: Words): Promise<PortableChat[]> {
  const chats = new Map<string, PortableChat>()
  for (const source of sources) {
    const chat = await portable(source, words)
    if ((chats.get(chat.id)?.turns.length ?? -1) < chat.turns.length) chats.set(chat.id, chat)
  }
  return [...chats.values()]
}

async function portable(source: SourceChat, words: Words): Promise<PortableChat> {
  const atMs = source.atMs ?? source.turns.find((turn) => turn.atMs !== null)?.atMs ?? 0
  const first = source.turns[0]?.text ?? ''
  // Without an id, a chat is known by how it begins.
  const chat = source.id || JSON.stringify([source.title, atMs, first.slice(0, 1000)])
  const ids = new Ids(source.kind, chat)
  return {
    id: await ids.make('chat', chat, atMs),
    title: source.title ?? (titleFrom(first) || words.untitled),
    folder: source.folder,
    atMs,
    turns: linked(await renamed(timed(source.turns, atMs), ids)),
  }
}

interface TimedTurn extends SourceTurn {
  readonly atMs: number
}

/** Where a file does not say when a turn was written, it was when the one before it was. */
function timed(turns: readonly SourceTurn[], beginMs: number): TimedTurn[] {
  const times = new Map<string | null, number>()
  return turns.map((turn) => {
    const atMs = turn.atMs ?? times.get(turn.parent) ?? beginMs
    times.set(turn.id, atMs)
    return { ...turn, atMs }
  })
}

/** A turn, and what the file called it. */
type Renamed = readonly [source: string, turn: PortableTurn]

/** How many ids are in the making at once. */
const batch = 4096

async function renamed(turns: readonly TimedTurn[], ids: Ids): Promise<Renamed[]> {
  const found: Renamed[] = []
  for (let start = 0; start < turns.length; start += batch) {
    const some = turns.slice(start, start + batch).map((turn) => rename(turn, ids))
    for (const one of await Promise.all(some)) found.push(one)
  }
  return found
}

async function rename(turn: TimedTurn, ids: Ids): Promise<Renamed> {
  const answers = turn.answers.map(async ({ id, atMs, model, text }): Promise<PortableAnswer> => {
    const answeredMs = atMs ?? turn.atMs
    return { id: await ids.make('answer', id, answeredMs), atMs: answeredMs, model, text }
  })
  const id = await ids.make('message', turn.id, turn.atMs)
  return [turn.id, { ...turn, id, answers: await Promise.all(answers) }]
}

function linked(turns: readonly Renamed[]): PortableTurn[] {
  const ids = new Map<string | null, string>(turns.map(([source, { id }]) => [source, id]))
  return turns.map(([, turn]) => ({ ...turn, parent: ids.get(turn.parent) ?? null }))
}

const utf8 = new TextEncoder()

class Ids {
  constructor(
    private readonly source: SourceChat['kind'],
    private readonly chat: string,
  ) {}

  /** An id that a file of ours gives, or one made of where the thing comes from and its time. */
  async make(thing: 'chat' | 'message' | 'answer', id: string, atMs: number): Promise<string> {
    if (this.source === 'hearth' && isId(id)) return id
    const name = utf8.encode(JSON.stringify([this.source, this.chat, thing, id]))
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', name))
    return uuidv7(atMs, (bytes) => {
      bytes.set(digest.subarray(0, bytes.length))
      return bytes
    })
  }
}
