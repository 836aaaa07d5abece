import { describe, expect, it } from 'vitest'
import { seeded } from '../../tests/support/trustRun'
import { bare, strangerIn, tidy } from './typing'

/** What is in the field, with `|` for the cursor. */
function typed(field: string): string {
  const { text, caret } = tidy({ text: field.replace('|', ''), caret: field.indexOf('|') })
  return `${text.slice(0, caret)}|${text.slice(caret)}`
}

describe('a code while it is typed', () => {
  const cases: [string, string][] = [
    ['|', '|'],
    ['7|', '7|'],
    ['7zra|', '7ZRA|'],
    ['7ZRA0|', '7ZRA-0|'],
    ['7ZRA-|', '7ZRA|'],
    ['7zra 0w4k 7zra 0w4k|', '7ZRA-0W4K-7ZRA-0W4K|'],
    ['7ZRA—0W4K|', '7ZRA-0W4K|'],
    ['7XZRA-0W4|', '7XZR-A0W4|'],
    ['7X|ZRA-0W4', '7X|ZR-A0W4'],
    ['7ZRA-|W4K7', '7ZRA|-W4K7'],
    ['7ZRA-0|W4K7', '7ZRA-0|W4K-7'],
  ]
  for (const [field, shown] of cases) {
    it(`${field} becomes ${shown}`, () => {
      expect(typed(field)).toBe(shown)
    })
  }

  it('keeps every character and the cursor behind the same one, and stays once it is tidy', () => {
    const random = seeded(7)
    const signs = '07zZаК- —lU'
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: random(24) }, () => signs[random(signs.length)]!).join('')
      const caret = random(text.length + 1)
      const after = tidy({ text, caret })
      expect(bare(after.text)).toBe(bare(text))
      expect(bare(after.text.slice(0, after.caret))).toBe(bare(text.slice(0, caret)))
      expect(tidy(after)).toEqual(after)
    }
  })

  it('has no stranger but what no code has', () => {
    expect(strangerIn('7zra-0w4k ilo')).toBeNull()
    expect(strangerIn('7ZU')).toBe('U')
    expect(strangerIn('7я')).toBe('я')
    expect(strangerIn('A!')).toBe('!')
  })
})
