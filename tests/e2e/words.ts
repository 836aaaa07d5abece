/** The app's own sentences, so that a test says which one is meant and not how it is put. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const locales = resolve(import.meta.dirname, '../../pwa/src/i18n/locales')

interface Part {
  readonly error: object
}

function read(name: string): Part {
  return JSON.parse(readFileSync(join(locales, name), 'utf8')) as Part
}

const [first, more] = [read('en.json'), read('en.pages.json')]

export const words = { ...first, ...more, error: { ...first.error, ...more.error } } as unknown as {
  attack: Record<'heading' | 'what', string>
  error: Record<string, string>
  end: Record<string, string>
  found: Record<string, string>
  notice: Record<string, string>
  road: Record<string, string>
  pair: {
    heading: string
    invited: { heading: string }
    failure: Record<string, string>
  }
  invitation: { ended: Record<string, string> }
}
