import { beforeEach, expect, it } from 'vitest'
import { settingsStorage } from './settings'

const storage = settingsStorage(() => localStorage)
const defaults = { theme: 'system', language: null, userName: null }

beforeEach(() => localStorage.clear())

it('keeps what it was given', () => {
  storage.write({ theme: 'dark', language: 'ru', userName: 'анна' })
  expect(storage.read()).toEqual({ theme: 'dark', language: 'ru', userName: 'анна' })
})

for (const kept of ['null', '{', '7', '{"theme":"pink","language":"xx","userName":7}']) {
  it(`takes the defaults for ${kept}`, () => {
    localStorage.setItem('hearth.settings', kept)
    expect(storage.read()).toEqual(defaults)
  })
}

it('does without a storage that is refused', () => {
  const refused = settingsStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  refused.write({ theme: 'dark', language: null, userName: null })
  expect(refused.read()).toEqual(defaults)
})
