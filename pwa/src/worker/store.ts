/** What the service worker keeps: one record of what is in use, and the verified files. */
import type { Manifest, ReleaseFile } from '../release/manifest'
import type { Refusal } from '../release/status'

export interface State {
  /** The release key, hex: that of the first release this browser met. */
  readonly pin: string | null
  readonly current: Manifest | null
  /** Pages that were opened before the last update still ask for its files. */
  readonly previous: Manifest | null
  /** Verified and whole, waiting for the person. */
  readonly next: Manifest | null
  readonly refusal: Refusal | null
  readonly isRefused: boolean
}

const empty: State = {
  pin: null,
  current: null,
  previous: null,
  next: null,
  refusal: null,
  isRefused: false,
}

const record = '/state'

export class Store {
  constructor(private readonly caches: CacheStorage) {}

  async read(): Promise<State> {
    const kept = await (await this.caches.open('hearth-release')).match(record)
    return kept ? ((await kept.json()) as State) : empty
  }

  /** One write, so that a worker that is ended in the middle leaves the old state whole. */
  async write(state: State): Promise<void> {
    await (await this.caches.open('hearth-release')).put(record, Response.json(state))
  }

  async find(file: ReleaseFile): Promise<Response | undefined> {
    return (await this.files()).match(address(file))
  }

  /** Keeps content that has been verified. */
  async keep(file: ReleaseFile, response: Response): Promise<void> {
    await (await this.files()).put(address(file), response)
  }

  /** Forgets every file that none of these manifests names. */
  async forgetAllBut(...manifests: (Manifest | null)[]): Promise<void> {
    const files = await this.files()
    const named = new Set(manifests.flatMap((one) => one?.files.map(address) ?? []))
    for (const request of await files.keys()) {
      if (!named.has(new URL(request.url).pathname)) await files.delete(request)
    }
  }

  private files(): Promise<Cache> {
    return this.caches.open('hearth-files')
  }
}

function address({ sha256, path }: ReleaseFile): string {
  return `/${sha256}/${path}`
}
