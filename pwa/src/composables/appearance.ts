import { watchEffect } from 'vue'
import { useI18n } from 'vue-i18n'
import { spoken } from '../i18n'
import { useSettings } from '../stores/settings'

const paper = { light: '#f8f3ea', dark: '#17120f' }

/** Keeps the page's theme and language as the settings say. */
export function useAppearance(): void {
  const settings = useSettings()
  const { locale } = useI18n({ useScope: 'global' })
  const colours = [...document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')]

  watchEffect(() => {
    const { theme } = settings
    if (theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
    for (const meta of colours) {
      const own = meta.media.includes('dark') ? 'dark' : 'light'
      meta.content = paper[theme === 'system' ? own : theme]
    }
  })
  watchEffect(() => {
    locale.value = settings.language ?? spoken(navigator.languages)
    document.documentElement.lang = locale.value
  })
}
