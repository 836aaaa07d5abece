/** A line that opens or closes a block of code (CommonMark 0.31.2, section 4.5). */
const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/s

/**
 * The line that closes the block of code in which a text ends, null where it ends in none: an answer
 * that was stopped in the middle of code would otherwise take what follows it into the block.
 */
export function openFence(lines: readonly string[]): string | null {
  let open: string | null = null
  for (const line of lines) {
    const [, marks = '', rest = ''] = fence.exec(line) ?? []
    if (!marks) continue
    if (open === null) {
      if (marks.startsWith('~') || !rest.includes('`')) open = marks
    } else if (marks[0] === open[0] && marks.length >= open.length && rest.trim() === '') {
      open = null
    }
  }
  return open
}
