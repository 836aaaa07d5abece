import { createI18n } from 'vue-i18n'
import en from './locales/en.json'
import ru from './locales/ru.json'
import { russianForm } from './plurals'

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

/** Each language calls itself by its own name, whatever is spoken now. */
export const languageNames: Record<Language, string> = { en: 'English', ru: 'Русский' }

export function createTranslations(locale: Language) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'en',
    messages: { en, ru },
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
