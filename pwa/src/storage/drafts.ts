/** What was typed and not yet sent: in this browser until it is sent, through closing the app. */
import type { PinnedHome } from './homes'

/** The pairing that it belongs to: whoever is paired anew gets nothing of those before. */
export type Pairing = Pick<PinnedHome, 'id' | 'pairedAt'>

/** By the place that it was typed in. */
export type Drafts = ReadonlyMap<string, string>

export interface DraftStorage {
  /** What is kept for it. Of earlier pairings with the same home nothing stays. */
  open(pairing: Pairing): Drafts
  /** Another tab's newer text is not removed: an empty `text` takes away only what was `before`. */
  write(pairing: Pairing, place: string, text: string, before: string): void
  drop(home: string): void
}

const root = 'hearth.draft'

/** Storage may be refused or full, by settings or in private windows: then nothing is kept. */
export function draftStorage(storage: () => Storage): DraftStorage {
  return {
    open(pairing) {
      const drafts = new Map<string, string>()
      const prefix = prefixOf(pairing)
      for (const key of keysOf(pairing.id)) {
        if (!key.startsWith(prefix)) attempt(() => storage().removeItem(key))
        else drafts.set(key.slice(prefix.length), attempt(() => storage().getItem(key)) ?? '')
      }
      return drafts
    },
    write(pairing, place, text, before) {
      const key = prefixOf(pairing) + place
      attempt(() => {
        if (text) storage().setItem(key, text)
        else if (storage().getItem(key) === before) storage().removeItem(key)
      })
    },
    drop(home) {
      for (const key of keysOf(home)) attempt(() => storage().removeItem(key))
    },
  }

  function keysOf(home: string): string[] {
    const keys = attempt(() => Object.keys(storage())) ?? []
    return keys.filter((key) => key.startsWith(`${root}.${home}.`))
  }
}

function prefixOf({ id, pairedAt }: Pairing): string {
  return `${root}.${id}.${pairedAt}.`
}

function attempt<Result>(action: () => Result): Result | null {
  try {
    return action()
  } catch {
    return null
  }
}
