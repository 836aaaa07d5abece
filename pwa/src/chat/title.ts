import { TITLE_CHARS } from '../protocol/generated'

const longest = 60

/** A chat's title from its first message: its first line, cut at a word, in one line. */
export function titleFrom(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? ''
  const words = line.replace(/\s+/g, ' ').trim()
  // In code points, as the wire counts, so that no character is cut in half.
  const points = [...words]
  if (points.length <= longest) return words
  const head = points.slice(0, longest).join('')
  const space = head.lastIndexOf(' ')
  return `${(space > longest / 2 ? head.slice(0, space) : head).replace(/[\s.,;:!?—–-]+$/u, '')}…`
}

/** A title that a person typed, as the wire takes it; empty where there is nothing to take. */
export function tidyTitle(text: string): string {
  return [...text.toWellFormed().replace(/\s+/g, ' ').trim()].slice(0, TITLE_CHARS).join('')
}
