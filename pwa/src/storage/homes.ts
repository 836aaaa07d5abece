/** The homes that this device is paired with, and the key of each: what 'pinned' means here. */
import type { LanTicket } from '../protocol/generated'
import type { Bytes } from '../trust/bytes'
import { keyId } from '../trust/transcript'
import type { Broadcast } from './broadcast'
import { change, readAll, remove, withDatabase } from './deviceDatabase'

export interface PinnedHome {
  /** 32 hexadecimal digits, derived from the key. */
  readonly id: string
  /** Ed25519, 32 bytes. A home that shows another one is not this home. */
  readonly publicKey: Bytes
  readonly name: string
  /** Unix time in milliseconds. */
  readonly pairedAt: number
  /** How it is dialed in its own network with no server between; null where it has not said so. */
  readonly lan: LanTicket | null
}

/** Null and false: the browser keeps nothing, or failed. That is not 'there are no homes'. */
export interface HomesStorage {
  all(): Promise<readonly PinnedHome[] | null>
  /** Keeps a home that was paired just now, in place of what was kept of the same key. */
  pin(home: Omit<PinnedHome, 'id'>): Promise<PinnedHome | null>
  /** Remembers how a home is dialed and what it calls itself. Never its key; of an unknown one nothing. */
  update(id: string, news: Partial<Pick<PinnedHome, 'name' | 'lan'>>): Promise<boolean>
  /** Only because a person asks: anybody can say 'this device was removed'. */
  unpin(id: string): Promise<boolean>
  /** Calls when another tab has paired, or has forgotten a home. */
  watch(changed: () => void): void
}

/** @param news from tab to tab */
export function homesStorage(
  factory: () => IDBFactory,
  news: () => Broadcast | null = () => null,
): HomesStorage {
  let tabs: Broadcast | null | undefined
  const others = () => (tabs === undefined ? (tabs = news()) : tabs)

  async function orNull<T>(work: (opened: IDBDatabase) => Promise<T>): Promise<T | null> {
    try {
      return await withDatabase(factory(), work)
    } catch {
      return null
    }
  }

  async function done(work: (opened: IDBDatabase) => Promise<void>): Promise<boolean> {
    return (await orNull(async (opened) => (await work(opened), true))) ?? false
  }

  return {
    all: () => orNull(async (opened) => (await readAll<PinnedHome>(opened, 'homes')).sort(byTime)),

    pin: async ({ publicKey, name, pairedAt, lan }) => {
      const id = await keyId(publicKey)
      const home = { id, publicKey, name, pairedAt, lan }
      const kept = await orNull(async (opened) => {
        await change<PinnedHome>(opened, 'homes', id, () => home)
        return home
      })
      others()?.post('changed')
      return kept
    },

    update: (id, { name, lan }) =>
      done(async (opened) => {
        await change<PinnedHome>(opened, 'homes', id, (there) => {
          if (!there) return undefined
          const ticket = lan === undefined ? there.lan : lan
          return { ...there, name: name ?? there.name, lan: ticket }
        })
      }),

    async unpin(id) {
      const isGone = await done((opened) => remove(opened, 'homes', id))
      others()?.post('changed')
      return isGone
    },

    watch(changed) {
      const news = others()
      if (news) news.onMessage = changed
    },
  }
}

function byTime(one: PinnedHome, other: PinnedHome): number {
  return one.pairedAt - other.pairedAt
}
