import { useI18n } from 'petite-vue-i18n'
import { computed, watch, watchEffect } from 'vue'
import { type Language, messagesOf, spoken } from '../i18n'
import { useSettings } from '../stores/settings'

const paper = { light: '#f8f3ea', dark: '#17120f' }

/** Keeps the page's theme and language as the settings say. */
export function useAppearance(): void {
  const settings = useSettings()
  const i18n = useI18n({ useScope: 'global' })
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
  const language = computed(() => settings.language ?? spoken(navigator.languages))
  watch(language, speak, { immediate: true })

  async function speak(wanted: Language): Promise<void> {
    if (!i18n.availableLocales.includes(wanted)) {
      i18n.setLocaleMessage(wanted, await messagesOf(wanted))
    }
    // Another may be wanted by now.
    if (language.value !== wanted) return
    i18n.locale.value = wanted
    document.documentElement.lang = wanted
  }
}
