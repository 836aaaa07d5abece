/** Looking into JSON that anybody may have written: what is not as expected is as if it were not there. */
import { FOLDER_CHARS, TITLE_CHARS } from '../protocol/generated'
import { tidyTitle } from '../chat/title'
import { LAST_MS } from './limits'

export type Json = Readonly<Record<string, unknown>>

export function record(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** What a record has under its own key, and not by its prototype. */
export function own(value: unknown, key: string): unknown {
  const found = record(value)
  return found && Object.hasOwn(found, key) ? found[key] : undefined
}

export function text(value: unknown): string | null {
  // Half a character is nothing that UTF-8 can carry.
  return typeof value === 'string' ? value.toWellFormed() : null
}

/** A name that sources give: text, and not empty. */
export function name(value: unknown): string | null {
  return text(value) || null
}

/** A moment in milliseconds since 1970, from one in `unitMs`. */
export function moment(value: unknown, unitMs: number): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null
  return Math.min(Math.floor(value * unitMs), LAST_MS)
}

/** A title as it is where the wire takes it, or else made so; null where nothing is left. */
export function title(value: unknown): string | null {
  return short(value, TITLE_CHARS)
}

export function folder(value: unknown): string | null {
  return short(value, FOLDER_CHARS)
}

function short(value: unknown, chars: number): string | null {
  const given = text(value) ?? ''
  if (given.length <= chars) return given || null
  const points = [...given.slice(0, 2 * chars + 2)]
  if (points.length <= chars) return given
  return [...tidyTitle(given.slice(0, 4 * chars))].slice(0, chars).join('') || null
}

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** An id that the wire takes. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && uuidv7.test(value)
}
