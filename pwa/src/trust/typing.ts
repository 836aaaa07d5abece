/** A code while it is typed: capitals in groups of four, whatever the keyboard sends. */

export interface Typed {
  text: string
  /** Where the cursor stands in it. */
  caret: number
}

const separators = /[-\s\u2010-\u2015]/

/** Puts dashes where they belong, and keeps the cursor behind the character it was behind. */
export function tidy({ text, caret }: Typed): Typed {
  const characters = bare(text)
  const before = bare(text.slice(0, caret)).length
  const grouped = characters.replaceAll(/.{4}(?=.)/gsu, '$&-')
  const dashes = Math.floor(Math.max(0, before - 1) / 4)
  return { text: grouped, caret: Math.min(before + dashes, grouped.length) }
}

/** The characters of a code without what stands between them. */
export function bare(text: string): string {
  const kept = [...text].filter((character) => !separators.test(character))
  return kept.map((one) => (one < '\x80' ? one.toUpperCase() : one)).join('')
}

/** The first character that no code has; the look-alikes I, L and O are read as 1 and 0. */
export function strangerIn(text: string): string | null {
  return [...bare(text)].find((character) => !/^[0-9A-TV-Z]$/.test(character)) ?? null
}
