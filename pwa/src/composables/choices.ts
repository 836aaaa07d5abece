import { watch } from 'vue'
import type { Language } from '../i18n'
import { languages } from '../i18n'
import type { Theme } from '../storage/settings'
import { useChats } from '../stores/chats'
import { useSettings } from '../stores/settings'

const themes: readonly Theme[] = ['system', 'light', 'dark']

/** Theme and language, chosen for all devices of a person, or for this one alone. */
export function useChoices(): {
  chooseTheme: (theme: Theme) => void
  chooseLanguage: (language: Language) => void
  /** Whether what is chosen here is for all devices from now on. */
  share: (everywhere: boolean) => void
} {
  const settings = useSettings()
  const chats = useChats()

  function chooseTheme(theme: Theme): void {
    settings.change({ theme })
    // `system` is said as well: no value would leave every other device with what it has.
    if (!settings.ownAppearance) chats.changeSetting('appearance', theme)
  }

  function chooseLanguage(language: Language): void {
    settings.change({ language })
    if (!settings.ownAppearance) chats.changeSetting('language', language)
  }

  function share(everywhere: boolean): void {
    if (everywhere) {
      // Told before it is followed: what this device has is what is shared.
      chats.changeSetting('appearance', settings.theme)
      if (settings.language) chats.changeSetting('language', settings.language)
    }
    settings.change({ ownAppearance: !everywhere })
  }

  return { chooseTheme, chooseLanguage, share }
}

/** Takes over on this device what the person chose on another. */
export function useFollowedChoices(): void {
  const settings = useSettings()
  const chats = useChats()

  watch(
    () => [chats.settings.appearance, chats.settings.language, settings.ownAppearance] as const,
    ([appearance, spoken, isOwn]) => {
      if (isOwn) return
      // Values of a newer app are not known here.
      const theme = themes.find((one) => one === appearance)
      const language = languages.find((one) => one === spoken)
      if (theme && theme !== settings.theme) settings.change({ theme })
      if (language && language !== settings.language) settings.change({ language })
    },
    { immediate: true, flush: 'sync' },
  )
}
