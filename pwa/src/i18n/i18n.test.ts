import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ErrorCodeShape, EndReasonShape } from '../protocol/generated'
import { reasons } from '../release/refused'
import { createTranslations, firstMessagesOf, languages, messagesOf, restOf, spoken } from '.'
import { russianForm } from './plurals'

interface Messages { [key: string]: string | Messages }

function readPart(name: string): Messages {
  const path = new URL(`./locales/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as Messages
}

/** As a page has it: sentences for errors are in both parts. */
function read(language: string): Messages {
  const [first, more] = [readPart(language), readPart(`${language}.pages`)]
  return { ...first, ...more, error: { ...errorsOf(first), ...errorsOf(more) } }
}

function errorsOf({ error }: Messages): Messages {
  return typeof error === 'object' ? error : {}
}

function flatten(messages: Messages, path = ''): Map<string, string> {
  const all = new Map<string, string>()
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') all.set(path + key, value)
    else for (const [inner, text] of flatten(value, `${path}${key}.`)) all.set(inner, text)
  }
  return all
}

const en = flatten(read('en'))
const ru = flatten(read('ru'))

describe('English and Russian', () => {
  it('say the same things', () => {
    expect([...ru.keys()]).toEqual([...en.keys()])
  })

  it('name the same values in them', () => {
    const names = (text = '') => [...new Set(text.match(/\{\w+\}/g))].sort()
    for (const [key, text] of en) expect(names(ru.get(key)), key).toEqual(names(text))
  })

  it('have two and three forms of what is counted', () => {
    for (const [key, text] of en) {
      if (!text.includes('|')) continue
      expect(text.split('|'), key).toHaveLength(2)
      expect(ru.get(key)?.split('|'), key).toHaveLength(3)
    }
  })

  it('leave nothing empty, and Russian nothing in English', () => {
    const names = new Set(['app.name', 'chat.hearth', 'settings.none', 'settings.refusedWhy'])
    for (const [key, text] of ru) {
      expect(text.trim(), key).not.toBe('')
      if (!names.has(key)) expect(text, key).toMatch(/[а-яё]/i)
    }
  })

  it('have a sentence for every error and every end', () => {
    if (ErrorCodeShape.kind !== 'enum' || EndReasonShape.kind !== 'enum') throw new Error('shape')
    for (const code of ErrorCodeShape.values) expect(en.get(`error.${code}`), code).toMatch(/\.$/)
    for (const reason of reasons) expect(en.get(`update.reason.${reason}`), reason).toBeTruthy()
    const ends = EndReasonShape.values.filter((reason) => reason !== 'stop')
    for (const reason of ends) expect(en.get(`end.${reason}`), reason).toMatch(/\.$/)
  })
})

describe('what the first page needs', () => {
  /** Everything that is downloaded with it, by its imports. */
  function firstFiles(): string[] {
    const found = new Set<string>()
    const queue = [new URL('../main.ts', import.meta.url)]
    for (let file = queue.pop(); file; file = queue.pop()) {
      if (found.has(file.href)) continue
      found.add(file.href)
      const imports = readFileSync(file, 'utf8').matchAll(/^import (?!type)[^'"]*'(\.[^']+)'/gm)
      for (const [, path = ''] of imports) {
        const near = [path, `${path}.ts`, `${path}/index.ts`].map((one) => new URL(one, file))
        const there = near.find((url) => /\.(ts|vue)$/.test(url.href) && existsSync(url))
        if (there) queue.push(there)
      }
    }
    return [...found]
  }

  it('is in no file that is downloaded later', () => {
    const later = Object.keys(readPart('en.pages'))
      .filter((key) => key !== 'error')
      .join('|')
    const files = firstFiles()
    expect(files.some((path) => path.endsWith('ConnectionPanel.vue'))).toBe(true)
    for (const path of files) {
      const keys = readFileSync(new URL(path), 'utf8').match(new RegExp(`\\bt\\([^)]*['\`](${later})\\.`))
      expect(keys, path).toBeNull()
    }
  })

  it('has every sentence for what can go wrong between the app and the PC that it knows', () => {
    if (ErrorCodeShape.kind !== 'enum') throw new Error('shape')
    const later = Object.keys(errorsOf(readPart('en.pages')))
    const ofPages = /^(pairing_|passkeys?_|device_taken|list_refused|reauthentication_|username_|wrong_cred)/
    for (const code of later) expect(code).toMatch(ofPages)
    for (const code of ErrorCodeShape.values) {
      if (!ofPages.test(code)) expect(errorsOf(readPart('en')), code).toHaveProperty(code)
    }
  })

  it('is kept beside the sentences of the pages, in both languages', async () => {
    for (const language of languages) {
      const { error } = await messagesOf(language)
      expect(Object.keys(error)).toEqual(expect.arrayContaining(['chat_unknown', 'pairing_used']))
    }
  })

  it('comes before the rest, which is gone for again where it did not come', async () => {
    const first = await firstMessagesOf('en')
    expect('pair' in first).toBe(false)
    const { global } = createTranslations('en', first)
    const rest = restOf('en', (messages) => {
      global.mergeLocaleMessage('en', messages)
    })
    expect(global.t('pair.heading')).toBe('pair.heading')
    await rest()
    expect(global.t('pair.heading')).toBe('Pair with your PC')
    expect(global.t('error.pairing_used')).toMatch(/^This code was used/)
    expect(global.t('error.chat_unknown')).toMatch(/^This chat/)
    expect(global.t('app.menu')).toBe('Menu')
  })
})

describe('Russian plurals', () => {
  const cases: [number, number][] = [
    [0, 2],
    [1, 0],
    [2, 1],
    [4, 1],
    [5, 2],
    [11, 2],
    [12, 2],
    [21, 0],
    [22, 1],
    [111, 2],
    [114, 2],
    [121, 0],
  ]
  for (const [count, form] of cases) {
    it(`${String(count)} takes form ${String(form)}`, () => {
      expect(russianForm(count, 3)).toBe(form)
    })
  }

  it('are used', async () => {
    const { t } = createTranslations('ru', await messagesOf('ru')).global
    expect(t('retryIn', { n: 3 }, 3)).toBe('Попробуйте через 3 секунды.')
    expect(t('retryIn', { n: 21 }, 21)).toBe('Попробуйте через 21 секунду.')
  })
})

it('speaks the first of the browser’s languages that it knows', () => {
  expect(spoken(['de-DE', 'ru-RU', 'en'])).toBe('ru')
  expect(spoken(['de'])).toBe('en')
  expect(languages).toContain(spoken([]))
})
