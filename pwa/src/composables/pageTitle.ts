import { useI18n } from 'petite-vue-i18n'
import { watchEffect } from 'vue'
import { useRoute } from 'vue-router'
import { useChats } from '../stores/chats'

/** The browser's title: the chat's, or the page's. */
export function usePageTitle(): void {
  const route = useRoute()
  const chats = useChats()
  const { t } = useI18n()

  watchEffect(() => {
    const chat = chats.list.find(({ id }) => id === route.params.id)
    const title = chat?.title ?? (route.meta.title ? t(route.meta.title) : null)
    document.title = title ? `${title} · ${t('app.name')}` : t('app.name')
  })
}
