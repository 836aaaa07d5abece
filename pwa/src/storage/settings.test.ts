import { beforeEach, expect, it } from 'vitest'
import { settingsStorage } from './settings'

const storage = settingsStorage(() => localStorage)
const defaults = {
  theme: 'system',
  language: null,
  userName: null,
  networkHint: false,
  localNetworkTold: false,
  ownAppearance: false,
  closedFolders: [],
} as const
const changed = {
  theme: 'dark',
  language: 'ru',
  userName: 'анна',
  networkHint: true,
  localNetworkTold: true,
  ownAppearance: true,
  closedFolders: ['Home'],
} as const

beforeEach(() => localStorage.clear())

it('keeps what it was given', () => {
  storage.write(changed)
  expect(storage.read()).toEqual(changed)
})

for (const kept of ['null', '{', '7', '{"theme":"pink","language":"xx","userName":7,"networkHint":1,"localNetworkTold":"yes","ownAppearance":1,"closedFolders":[7]}']) {
  it(`takes the defaults for ${kept}`, () => {
    localStorage.setItem('hearth.settings', kept)
    expect(storage.read()).toEqual(defaults)
  })
}

it('does without a storage that is refused', () => {
  const refused = settingsStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  refused.write(changed)
  expect(refused.read()).toEqual(defaults)
})
