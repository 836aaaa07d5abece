/**
 * What a word is for the search: a run of letters and digits (also within code), in lower case, in
 * the compatibility form of Unicode (NFKC, UAX #15) and without marks, so that ё is е and é is e.
 * й is no и with a mark but a letter of its own.
 */

/** A word and where it is in the original text, in UTF-16 units. */
export interface PlacedWord {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** What is longer is data and no word: it is found by its beginning. */
const longest = 64
/** A soft hyphen is within a word, not between two. */
const runs = /[\p{L}\p{N}\p{M}\u00ad]+/gu
const plain = /^[0-9A-Za-zА-Яа-яЁё]+$/
const marks = /(и\u0306)|[\p{M}\u00ad]/gu
const letters = /[\p{L}\p{N}]+/gu

export function words(text: string): string[] {
  const found: string[] = []
  for (const run of text.match(runs) ?? []) {
    if (plain.test(run)) found.push(foldPlain(run))
    else found.push(...fold(run))
  }
  return found
}

export function* placedWords(text: string): Generator<PlacedWord> {
  for (const match of text.matchAll(runs)) {
    const [run] = match
    const end = match.index + run.length
    for (const word of plain.test(run) ? [foldPlain(run)] : fold(run)) {
      yield { word, start: match.index, end }
    }
  }
}

function foldPlain(run: string): string {
  return run.toLowerCase().replaceAll('ё', 'е').slice(0, longest)
}

/** One run may be several words: ½ is a 1 and a 2. */
function fold(run: string): string[] {
  const lower = run.normalize('NFKC').toLowerCase()
  const bare = lower.normalize('NFD').replace(marks, '$1').normalize('NFC')
  return (bare.match(letters) ?? []).map((word) => word.slice(0, longest))
}
