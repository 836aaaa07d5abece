import { createI18n, type MessageResolver } from 'petite-vue-i18n'
import type en from './locales/en.json'
import type enPages from './locales/en.pages.json'
import { russianForm } from './plurals'

type Found = ReturnType<MessageResolver>
type Group = Readonly<Record<string, Found>>

/** What every page says, in one language. */
export type FirstMessages = typeof en
/** What the pages say that are downloaded when they are opened. */
export type PageMessages = typeof enPages
export type Messages = FirstMessages & PageMessages

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

/** Each language calls itself by its own name, whatever is spoken now. */
export const languageNames: Record<Language, string> = { en: 'English', ru: 'Русский' }

const firsts: Record<Language, () => Promise<{ default: FirstMessages }>> = {
  en: () => import('./locales/en.json'),
  ru: () => import('./locales/ru.json'),
}

const pages: Record<Language, () => Promise<{ default: PageMessages }>> = {
  en: () => import('./locales/en.pages.json'),
  ru: () => import('./locales/ru.pages.json'),
}

/** Gets what the first page needs. Nobody waits for the language that is not spoken. */
export async function firstMessagesOf(language: Language): Promise<FirstMessages> {
  return (await firsts[language]()).default
}

/** Gets all that the app says in a language. */
export async function messagesOf(language: Language): Promise<Messages> {
  const [first, more] = await Promise.all([firsts[language](), pages[language]()])
  return joined(first.default, more.default)
}

/** Both have sentences for errors: each those that it can come to. */
export function joined(first: FirstMessages, more: PageMessages): Messages {
  return { ...first, ...more, error: { ...first.error, ...more.error } }
}

/** Messages are in groups, and a group's name comes before a dot. */
const resolve: MessageResolver = (messages, key) =>
  key.split('.').reduce((group, name) => (group as Group | null)?.[name] ?? null, messages as Found)

export function createTranslations(locale: Language, messages: FirstMessages) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: false,
    messages: { [locale]: messages },
    messageResolver: resolve,
    pluralRules: { ru: russianForm },
  })
}

/**
 * Gets the rest of the language that the app was opened in, once; another is had whole. A page that
 * is not the first waits for it.
 */
export function restOf(language: Language, add: (messages: PageMessages) => void): () => Promise<void> {
  let rest: Promise<void> | null = null
  return () =>
    (rest ??= pages[language]()
      .then((messages) => {
        add(messages.default)
      })
      .catch((error: unknown) => {
        rest = null
        throw error
      }))
}

/** The first of the browser's languages that we speak, else English. */
export function spoken(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const found = languages.find((language) => tag.toLowerCase().split('-')[0] === language)
    if (found) return found
  }
  return 'en'
}
