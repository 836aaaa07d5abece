/** Takes an update when the pinned key signed it and every file is there; otherwise says why not. */
import { type Manifest, type Release, workerFile } from '../release/manifest'
import { Refused } from '../release/refused'
import type { Status } from '../release/status'
import { fingerprint, type Held, isSame, judge } from '../release/verify'
import { downloadFile, downloadRelease, type Fetch, Unreachable } from './download'
import type { State, Store } from './store'

export interface Outside {
  store: Store
  fetch: Fetch
  /** Milliseconds since 1970. */
  now: () => number
  /**
   * Lets one at a time change the record, across the old worker and a new one. Nobody fetches in
   * here: a page that is opened would wait for it.
   */
  exclusive: <T>(work: () => Promise<T>) => Promise<T>
}

export class Updater {
  private begun = 0
  private ended = 0

  constructor(private readonly outside: Outside) {}

  /**
   * Pins the key of the first release, and has its files; later the same as `check`.
   * @throws Refused, Unreachable: then there must be no new worker either.
   */
  install(): Promise<void> {
    return this.look(() => true)
  }

  /** Looks for an update. What was refused is kept to be said; what cannot be kept is for another time. */
  async check(): Promise<void> {
    try {
      await this.look(this.newest())
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable || isFull(error))) throw error
    }
  }

  /** Puts the release that is ready into use; on a full disk the one that is in use stays. */
  async promote(): Promise<void> {
    try {
      await this.putIntoUse()
    } catch (error) {
      if (!isFull(error)) throw error
    }
  }

  /** Null before the first release. */
  async status(): Promise<Status | null> {
    const { pin, current, next, refusal, isRefused } = await this.outside.store.read()
    if (pin === null || !current) return null
    const shown = await fingerprint(pin)
    const ready = next?.version ?? null
    return { version: current.version, fingerprint: shown, ready, refusal, isRefused }
  }

  private putIntoUse(): Promise<void> {
    const { store, exclusive } = this.outside
    return exclusive(async () => {
      const state = await store.read()
      if (!state.next) return
      const changed = { ...state, current: state.next, previous: state.current, next: null }
      await store.write(changed)
      await store.forgetAllBut(changed.current, changed.previous)
    })
  }

  /** Whether no look that began later has come to its end: what was slow says nothing over it. */
  private newest(): () => boolean {
    const mine = ++this.begun
    return () => {
      const isNewest = mine >= this.ended
      if (isNewest) this.ended = mine
      return isNewest
    }
  }

  private async look(isNewest: () => boolean): Promise<void> {
    const { store, fetch, exclusive } = this.outside
    try {
      const release = await downloadRelease(fetch)
      await judge(release, held(await store.read()))
      await this.fetchFiles(release.manifest)
      if (isNewest()) await exclusive(() => this.take(release))
    } catch (error) {
      if (error instanceof Refused && isNewest()) await exclusive(() => this.note(error))
      throw error
    }
  }

  private async take(release: Release): Promise<void> {
    const { store } = this.outside
    const { manifest, key } = release
    const state = await store.read()
    await judge(release, held(state)) // another worker may have been quicker
    for (const file of manifest.files) {
      // A release that was put into use meanwhile has had the files of others forgotten.
      if (file.path !== workerFile && !(await store.find(file))) throw new Unreachable()
    }
    await store.write(taken({ ...state, pin: key, isRefused: false }, manifest))
  }

  private async note({ reason, subject }: Refused): Promise<void> {
    const { store, now } = this.outside
    const state = await store.read()
    if (state.pin === null) return
    await store.write({ ...state, refusal: { reason, subject, at: now() }, isRefused: true })
  }

  private async fetchFiles(manifest: Manifest): Promise<void> {
    const { store, fetch } = this.outside
    for (const file of manifest.files) {
      if (file.path === workerFile) await verifyWorker(fetch, manifest)
      else if (!(await store.find(file))) await store.keep(file, await downloadFile(fetch, file))
    }
  }
}

/** The browser has no room, or keeps nothing. */
function isFull(error: unknown): boolean {
  return error instanceof DOMException
}

function held({ pin, current, next }: State): Held {
  return { pin, newest: next ?? current }
}

function taken(state: State, manifest: Manifest): State {
  if (!state.current) return { ...state, current: manifest }
  if (isSame(manifest, state.current)) return state
  return { ...state, next: manifest }
}

/** Asked for each time: a server that changes only the worker is to be noticed as well. */
async function verifyWorker(fetch: Fetch, manifest: Manifest): Promise<void> {
  const file = manifest.files.find(({ path }) => path === workerFile)
  if (!file) throw new Refused('unreadable')
  try {
    await downloadFile(fetch, file)
  } catch (error) {
    if (error instanceof Refused) throw new Refused('changed_worker')
    throw error
  }
}
