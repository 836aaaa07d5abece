/** A chat as a file tells of it, with the ids of where it comes from. */

export type SourceKind = 'hearth' | 'chatgpt' | 'open_webui'

export interface SourceAnswer {
  readonly id: string
  readonly atMs: number | null
  readonly model: string
  readonly text: string
}

export interface SourceTurn {
  readonly id: string
  readonly parent: string | null
  readonly atMs: number | null
  readonly text: string
  readonly answers: readonly SourceAnswer[]
}

export interface SourceChat {
  readonly kind: SourceKind
  readonly id: string
  readonly title: string | null
  readonly folder: string | null
  readonly atMs: number | null
  readonly turns: readonly SourceTurn[]
}
