/** What the app asks of the search, and what it is told. */
import type { Snippet } from './snippet'

export interface SearchHit {
  readonly chat: string
  /** The message that was found, or that is answered by what was found. */
  readonly message: string
  readonly inAnswer: boolean
  readonly snippet: Snippet
  readonly atMs: number
}

export interface SearchResult {
  /** The best first. */
  readonly hits: readonly SearchHit[]
  /** Whether everything that is on this device was looked through; if not, ask again. */
  readonly complete: boolean
}
