import { beforeAll, describe, expect, it } from 'vitest'
import { appFiles, manifestOf } from '../../tests/support/releases'
import type { Manifest } from '../release/manifest'
import { answer, type Asked } from './serve'

const origin = 'https://hearth.test'
let release: Manifest

beforeAll(async () => (release = await manifestOf(appFiles())))

function ask(path: string, asked: Partial<Asked> = {}): string {
  const url = new URL(path, origin).href
  const usual = { method: 'GET', mode: 'no-cors', destination: '' }
  const found = answer({ ...usual, url, ...asked }, origin, [release, null])
  return typeof found === 'string' ? found : found.path
}

const page: Partial<Asked> = { mode: 'navigate', destination: 'document' }

describe('a page that is opened', () => {
  for (const path of ['/', '/index.html', '/settings', '/chat/1?x=2', '/api/page', '/release.json', '/sw.js']) {
    it(`${path} is the app’s own`, () => {
      const found = ask(path, page)
      expect(found).toBe(path === '/sw.js' ? 'nothing' : 'index.html')
    })
  }

  it('inside of another, too', () => {
    expect(ask('/api/page', { mode: 'navigate', destination: 'iframe' })).toBe('index.html')
  })

  it('is nothing when it was posted', () => {
    expect(ask('/', { ...page, method: 'POST' })).toBe('nothing')
  })
})

describe('what a browser runs or shows', () => {
  for (const destination of ['script', 'style', 'worker', 'image', 'font', 'object', 'embed']) {
    it(`as ${destination} is a file of the release, or nothing`, () => {
      expect(ask('/assets/app.js', { destination })).toBe('assets/app.js')
      expect(ask('/assets/other.js', { destination })).toBe('nothing')
      expect(ask('https://elsewhere.test/assets/app.js', { destination })).toBe('nothing')
    })
  }
})

it('lets the app’s own code ask the server', () => {
  expect(ask('/api/session/refresh', { method: 'POST', mode: 'cors' })).toBe('network')
  expect(ask('/release.json', { mode: 'cors' })).toBe('network')
})
