/** The place of a text that shows best why it was found. */
import { stem } from './endings'
import { fit } from './rank'
import { type PlacedWord, placedWords } from './words'

export interface Snippet {
  readonly text: string
  /** Where the words that were searched for are in `text`, in UTF-16 units, in order. */
  readonly marks: readonly (readonly [start: number, end: number])[]
}

interface Match extends PlacedWord {
  readonly wanted: number
  readonly quality: number
}

/** In UTF-16 units, without the two signs that something was left out. */
const longest = 140
/** How much of it comes before the first word that was searched for. */
const before = 40
const leftOut = '…'

/** About 140 characters, cut between words, that have most of the query's words in them. */
export function snippet(text: string, query: readonly string[]): Snippet {
  const matches = matchesIn(text, query)
  const middle = bestOf(matches, query.length)
  const start = startOf(text, Math.max(0, (middle?.start ?? 0) - before))
  const end = endOf(text, start, Math.min(middle?.end ?? start, start + longest))
  const head = text.slice(0, start).trim() === '' ? '' : leftOut
  const tail = end < text.trimEnd().length ? leftOut : ''
  const shift = head.length - start
  const marks = matches
    .filter((match) => match.start >= start && match.start < end)
    .map((match): [number, number] => [match.start + shift, Math.min(match.end, end) + shift])
  // Each line break and each tab takes the place of one character, so that the marks stay right.
  return { text: head + text.slice(start, end).replace(/\s/gu, ' ') + tail, marks: joined(marks) }
}

function matchesIn(text: string, query: readonly string[]): Match[] {
  const stems = query.map(stem)
  const matches: Match[] = []
  for (const placed of placedWords(text)) {
    for (let wanted = 0; wanted < query.length; wanted++) {
      const quality = fit(placed.word, query[wanted] ?? '', stems[wanted] ?? '')
      if (quality > 0) matches.push({ ...placed, wanted, quality })
    }
  }
  return matches
}

/** The match from which on a snippet has the most and the best of the words; the first of equals. */
function bestOf(matches: readonly Match[], count: number): Match | null {
  let best: Match | null = null
  let most = 0
  for (let first = 0; first < matches.length; first++) {
    const from = matches[first]
    if (!from) break
    const qualities = new Uint8Array(count)
    for (let at = first; at < matches.length; at++) {
      const match = matches[at]
      // A run that is longer than a snippet is one to be shown all the same.
      if (!match || (at > first && match.end - from.start > longest - before)) break
      qualities[match.wanted] = Math.max(qualities[match.wanted] ?? 0, match.quality)
    }
    // Another word counts for more than any better fit of those that are there.
    const worth = qualities.reduce((sum, one) => sum + (one && one + 8 * count), 0)
    if (worth > most) {
      most = worth
      best = from
    }
  }
  return best
}

/** Where a word begins, at `wished` or after it. */
function startOf(text: string, wished: number): number {
  if (wished === 0) return text.length - text.trimStart().length
  const gap = /\s\S/gu
  gap.lastIndex = wished - 1
  const found = gap.exec(text)
  return found && found.index < wished + before ? found.index + 1 : whole(text, wished)
}

/** Where a word ends, as far on as there is room, and never before `least`. */
function endOf(text: string, start: number, least: number): number {
  const wished = start + longest
  if (wished >= text.trimEnd().length) return text.trimEnd().length
  for (let at = wished; at > Math.max(least, start + before) - 1; at--) {
    if (/\s/u.test(text.charAt(at)) && !/\s/u.test(text.charAt(at - 1))) return at
  }
  return whole(text, Math.max(wished, least))
}

/** Not between the two halves of one character. */
function whole(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at
}

function joined(marks: readonly [number, number][]): [number, number][] {
  const apart: [number, number][] = []
  for (const [start, end] of marks) {
    const last = apart.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else apart.push([start, end])
  }
  return apart
}
