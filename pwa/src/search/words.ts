/**
 * What a word is for the search: a run of letters and digits (also within code), in lower case, in
 * the compatibility form of Unicode (NFKC, UAX #15) and without marks, so that ё is е and é is e.
 * й is no и with a mark but a letter of its own. Where a script has no spaces between words, as in
 * Chinese, Japanese or Thai, each letter is a word, so that a text is found by any part of it.
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
const unspaced = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]\p{M}*/gu
const plain = /^[0-9A-Za-zА-Яа-яЁё]+$/
const marks = /(и\u0306)|[\p{M}\u00ad]/gu
const letters = /[\p{L}\p{N}]+/gu

export function words(text: string): string[] {
  const found: string[] = []
  for (const run of text.match(runs) ?? []) {
    if (plain.test(run)) found.push(foldPlain(run))
    else for (const { text } of pieces(run)) found.push(...fold(text))
  }
  return found
}

export function* placedWords(text: string): Generator<PlacedWord> {
  for (const match of text.matchAll(runs)) {
    const [run] = match
    for (const { text, at } of plain.test(run) ? [{ text: run, at: 0 }] : pieces(run)) {
      const start = match.index + at
      const end = start + text.length
      for (const word of fold(text)) yield { word, start, end }
    }
  }
}

/** A run without the letters that are words of their own, and those. */
function pieces(run: string): { text: string; at: number }[] {
  const found: { text: string; at: number }[] = []
  let from = 0
  for (const { 0: text, index: at } of run.matchAll(unspaced)) {
    if (at > from) found.push({ text: run.slice(from, at), at: from })
    found.push({ text, at })
    from = at + text.length
  }
  if (from < run.length) found.push({ text: run.slice(from), at: from })
  return found
}

function foldPlain(run: string): string {
  return run.toLowerCase().replaceAll('ё', 'е').slice(0, longest)
}

/** One run may be several words: ½ is a 1 and a 2. */
function fold(run: string): string[] {
  if (plain.test(run)) return [foldPlain(run)]
  const lower = run.normalize('NFKC').toLowerCase()
  const bare = lower.normalize('NFD').replace(marks, '$1').normalize('NFC')
  return (bare.match(letters) ?? []).map((word) => word.slice(0, longest))
}
