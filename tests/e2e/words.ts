/** The app's own sentences, so that a test says which one is meant and not how it is put. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const locales = resolve(import.meta.dirname, '../../pwa/src/i18n/locales')

function read(name: string): object {
  return JSON.parse(readFileSync(join(locales, name), 'utf8')) as object
}

export const words = { ...read('en.json'), ...read('en.pages.json') } as {
  attack: Record<'heading' | 'what', string>
  error: Record<string, string>
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
