/** Names that every system takes for a file: Windows is the strictest. */
const longest = 80
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/i

/** A file's name from a title, without an ending. */
export function fileName(title: string, otherwise: string): string {
  const plain = title
    .toWellFormed()
    // eslint-disable-next-line no-control-regex -- these are what no name may have
    .replace(/[\u0000-\u001f\u007f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .replace(/\s+/g, ' ')
  const name = [...plain.trim()].slice(0, longest).join('').replace(/^[. ]+|[. ]+$/g, '')
  return name === '' || reserved.test(name) ? otherwise : name
}

/** The same names, each once: also where case is not told apart. */
export function distinct(names: readonly string[]): string[] {
  const taken = new Set<string>()
  const counts = new Map<string, number>()
  return names.map((name) => {
    const key = name.toLowerCase()
    let count = counts.get(key) ?? 1
    let made = name
    while (taken.has(made.toLowerCase())) made = `${name} (${String((count += 1))})`
    counts.set(key, count)
    taken.add(made.toLowerCase())
    return made
  })
}
