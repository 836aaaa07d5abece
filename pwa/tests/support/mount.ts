import { mount, type VueWrapper } from '@vue/test-utils'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { createTranslations, type Language } from '../../src/i18n'

const nowhere = { render: () => null }

/** Mounts a component as the app does, in a language. */
export function show(
  component: Component,
  props: Record<string, unknown> = {},
  language: Language = 'en',
): VueWrapper {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: ['home', 'chat', 'settings', 'devices', 'verify', 'pair', 'login', 'register'].map((name) => ({
      name,
      path: name === 'chat' ? '/chat/:id' : `/${name.replace('home', '')}`,
      component: nowhere,
    })),
  })
  return mount(component, {
    props,
    attachTo: document.body,
    global: { plugins: [createTranslations(language), router] },
  })
}
