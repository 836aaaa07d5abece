/** The PC, which runs in the process that started this one and does only what it is told. */
import { readSync, writeSync } from 'node:fs'
import type { ChatHead, Event, FromHome, ToHome } from '../../../pwa/src/protocol/generated'

export type Order =
  | { do: 'begin'; seed: number; power: boolean }
  | { do: 'connect'; line: number }
  | { do: 'hear'; line: number; message: ToHome }
  | { do: 'drain'; line: number; count: number }
  | { do: 'cut'; line: number; last: readonly ToHome[] }
  | { do: 'pass'; ms: number }
  | { do: 'jump'; ms: number }
  | { do: 'killat'; writes: number; after: boolean }
  | { do: 'fail'; first: number; count: number }
  | { do: 'calm' | 'kill' | 'stop' | 'backup' | 'putback' }
  | { do: 'restore'; older: boolean }
  | { do: 'losepower'; syncs?: number }
  | { do: 'start'; kill_at?: number; lose_at?: number }
  | { do: 'dump'; gone: readonly string[] }

export interface Dump {
  readonly log: string
  readonly head: number
  readonly events: readonly Event[]
  /** The list of chats, as a device that has nothing is told. */
  readonly chats: readonly ChatHead[]
  readonly settings: Readonly<Record<string, string>>
  /** Answers that have not ended. */
  readonly open: readonly string[]
  /** What was ever generated, by answer. */
  readonly said: Readonly<Record<string, string>>
  /** Of the words that should be gone, those that are still somewhere in the files. */
  readonly found: readonly string[]
}

export interface Came {
  readonly sent: readonly (readonly [line: number, message: FromHome])[]
  readonly closed: readonly number[]
  readonly running: boolean
  readonly dump: Dump | null
  readonly error: string | null
}

const utf8 = new TextDecoder()

export class PcProcess {
  private readonly buffer = new Uint8Array(1 << 20)
  private rest: Uint8Array[] = []

  /** The two pipes, as descriptors. */
  constructor(
    private readonly came: number,
    private readonly orders: number,
  ) {}

  /** Has it do all that in order, and waits until it has come to rest. */
  tell(orders: readonly Order[]): Came {
    const line = Buffer.from(`${JSON.stringify(orders)}\n`)
    for (let at = 0; at < line.length; ) at += writeSync(this.orders, line, at)
    const came = JSON.parse(this.line()) as Came
    if (came.error !== null) throw new Error(came.error)
    return came
  }

  private line(): string {
    for (;;) {
      const count = readSync(this.came, this.buffer)
      if (count === 0) throw new Error('The PC is gone.')
      const ends = this.buffer[count - 1] === 10
      if (ends && this.rest.length === 0) return utf8.decode(this.buffer.subarray(0, count))
      this.rest.push(this.buffer.slice(0, count))
      if (!ends) continue
      const all = Buffer.concat(this.rest)
      this.rest = []
      return utf8.decode(all)
    }
  }
}
