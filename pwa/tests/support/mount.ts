import { mount, type VueWrapper } from '@vue/test-utils'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { createTranslations, joined, type Language, type Messages } from '../../src/i18n'
import en from '../../src/i18n/locales/en.json'
import enPages from '../../src/i18n/locales/en.pages.json'
import ru from '../../src/i18n/locales/ru.json'
import ruPages from '../../src/i18n/locales/ru.pages.json'

/** Complete in both languages, which a test of its own holds. */
export const messages: Record<Language, Messages> = {
  en: joined(en, enPages),
  ru: joined(ru, ruPages),
}

const nowhere = { render: () => null }

/** Mounts a component as the app does, in a language. */
export function show(
  component: Component,
  props: Record<string, unknown> = {},
  language: Language = 'en',
): VueWrapper {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: ['home', 'chat', 'settings', 'devices', 'verify', 'network', 'pair', 'login', 'register'].map((name) => ({
      name,
      path: name === 'chat' ? '/chat/:id' : `/${name.replace('home', '')}`,
      component: nowhere,
    })),
  })
  return mount(component, {
    props,
    attachTo: document.body,
    global: { plugins: [createTranslations(language, messages[language]), router] },
  })
}
