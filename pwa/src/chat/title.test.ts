import { describe, expect, it } from 'vitest'
import { TITLE_CHARS } from '../protocol/generated'
import { tidyTitle, titleFrom } from './title'

describe('titleFrom', () => {
  it('takes the first line and its words', () => {
    expect(titleFrom('\n  What   is\tthis?\nMore.')).toBe('What is this?')
  })

  it('cuts a long line at a word', () => {
    const title = titleFrom(`${'word '.repeat(11)}, remarkable things happen`)
    expect(title).toBe(`${'word '.repeat(11).trim()}…`)
  })

  it('cuts a word without spaces between characters, not inside one', () => {
    expect(titleFrom('🔥'.repeat(100))).toBe(`${'🔥'.repeat(60)}…`)
  })
})

describe('tidyTitle', () => {
  it('is empty for nothing but spaces', () => {
    expect(tidyTitle(' \n ')).toBe('')
  })

  it('drops no character, but mends half of one', () => {
    expect(tidyTitle('a\ud83d')).toBe('a\ufffd')
  })

  it('is as long as the wire allows', () => {
    expect([...tidyTitle('я'.repeat(TITLE_CHARS + 5))].length).toBe(TITLE_CHARS)
  })
})
