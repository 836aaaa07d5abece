/** Texts in the measure of the wire: code points, and bytes of UTF-8 JSON. */
import type { Words } from './words'

const utf8 = new TextEncoder()

export function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length
}

/** The text, or its beginning with a line that says how much is left out. */
export function fitted(text: string, maxChars: number, maxBytes: number, words: Words): string {
  const whole = text.toWellFormed()
  if (fits(whole, maxChars, maxBytes)) return whole
  const chars = count(whole)
  const note = (kept: number) => `\n\n[… ${words.leftOut(chars - kept)}]`
  const longest = jsonBytes(note(0))
  const kept = beginning(whole, maxChars - count(note(0)), maxBytes - longest - 2)
  return kept.text + note(kept.chars)
}

function fits(text: string, maxChars: number, maxBytes: number): boolean {
  // No unit of UTF-16 is more than six bytes of JSON: most texts need no counting.
  if (text.length <= maxChars && 6 * text.length + 2 <= maxBytes) return true
  return count(text) <= maxChars && jsonBytes(text) <= maxBytes
}

function beginning(text: string, maxChars: number, maxBytes: number): { text: string; chars: number } {
  let end = 0
  let chars = 0
  let bytes = 0
  for (const point of text) {
    bytes += bytesOf(point)
    if (chars === maxChars || bytes > maxBytes) break
    chars += 1
    end += point.length
  }
  return { text: text.slice(0, end), chars }
}

function bytesOf(point: string): number {
  // Without the two quotation marks.
  return point < '\u0080' ? JSON.stringify(point).length - 2 : utf8.encode(point).length
}

function count(text: string): number {
  let chars = 0
  for (const point of text) chars += point ? 1 : 0
  return chars
}
