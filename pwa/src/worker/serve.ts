/** Which bytes a page gets: those of a verified release, and from the server nothing that runs. */
import { type Manifest, type ReleaseFile, workerFile } from '../release/manifest'

export interface Asked {
  readonly method: string
  readonly url: string
  readonly mode: string
  /** What the browser will do with it; empty for what the app's code asks for by itself. */
  readonly destination: string
}

export type Answer = ReleaseFile | 'network' | 'nothing'

/**
 * Every navigation gets the app's page, and everything that a browser would run or show gets a file
 * of the release or nothing. Only what the app's own code fetches may come from the server.
 */
export function answer(
  asked: Asked,
  origin: string,
  releases: readonly (Manifest | null)[],
): Answer {
  const { pathname, origin: from } = new URL(asked.url)
  const otherwise = asked.destination === '' && asked.mode !== 'navigate' ? 'network' : 'nothing'
  if (from !== origin || asked.method !== 'GET') return otherwise
  const path = pathname.slice(1)
  if (path === workerFile) return otherwise
  const file = find(path, releases)
  if (file) return file
  return asked.mode === 'navigate' ? (find('index.html', releases) ?? 'nothing') : otherwise
}

function find(
  path: string,
  releases: readonly (Manifest | null)[],
): ReleaseFile | undefined {
  for (const release of releases) {
    const file = release?.files.find((one) => one.path === path)
    if (file) return file
  }
  return undefined
}
