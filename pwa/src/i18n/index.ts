import { createI18n } from 'vue-i18n'
import type en from './locales/en.json'
import { russianForm } from './plurals'

/** All that the app says, in one language. */
export type Messages = typeof en

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

/** Each language calls itself by its own name, whatever is spoken now. */
export const languageNames: Record<Language, string> = { en: 'English', ru: 'Русский' }

const locales: Record<Language, () => Promise<{ default: Messages }>> = {
  en: () => import('./locales/en.json'),
  ru: () => import('./locales/ru.json'),
}

/** Gets what the app says in a language. Nobody waits for the one that is not spoken. */
export async function messagesOf(language: Language): Promise<Messages> {
  return (await locales[language]()).default
}

export function createTranslations(locale: Language, messages: Messages) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: false,
    messages: { [locale]: messages },
    pluralRules: { ru: russianForm },
  })
}

/** The first of the browser's languages that we speak, else English. */
export function spoken(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const found = languages.find((language) => tag.toLowerCase().split('-')[0] === language)
    if (found) return found
  }
  return 'en'
}
