/** A chat outside of the log: what is written to files and read from them. */

export interface PortableAnswer {
  readonly id: string
  readonly atMs: number
  readonly model: string
  readonly text: string
}

/** What a person said. It follows the message `parent`, or nothing. */
export interface PortableTurn {
  readonly id: string
  readonly parent: string | null
  readonly atMs: number
  readonly text: string
  /** In the order they were given: the last is the one shown. */
  readonly answers: readonly PortableAnswer[]
}

/** Ids are UUIDv7, and parents come before what follows them; the last turn ends the shown path. */
export interface PortableChat {
  readonly id: string
  readonly title: string
  readonly folder: string | null
  readonly atMs: number
  readonly turns: readonly PortableTurn[]
}

/**
 * Why a file cannot be imported: it is of no kind that is known here, it breaks off or contradicts
 * itself, there is no chat in it, or it is too big.
 */
export type ImportErrorCode = 'not_recognised' | 'damaged' | 'empty' | 'too_large'

export class ImportError extends Error {
  constructor(readonly code: ImportErrorCode) {
    super(code)
    this.name = 'ImportError'
  }
}
