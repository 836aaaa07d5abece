/** What a value on the wire looks like, as `generated.ts` describes it and `decode.ts` checks it. */
export type Shape =
  | { kind: 'string'; min?: number; max?: number; pattern?: string }
  | { kind: 'integer'; min?: number; max?: number }
  | { kind: 'number'; min?: number; max?: number }
  | { kind: 'boolean' }
  | { kind: 'enum'; values: readonly string[] }
  | { kind: 'list'; of: Shape; min?: number; max?: number }
  | { kind: 'nullable'; of: Shape }
  | { kind: 'record'; fields: Readonly<Record<string, Field>> }
  | { kind: 'union'; of: Readonly<Record<string, Shape>> }

export interface Field {
  shape: Shape
  /** @default false */
  optional?: boolean
}
