import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { FailureCode } from '../net/errors'

/** What went by itself, and should not go unseen. */
export type News = 'pairedByItself'

/** One sentence about what just went wrong, and one of news; a newer takes the place of an older. */
export const useNotices = defineStore('notices', () => {
  const code = shallowRef<FailureCode | null>(null)
  const news = shallowRef<News | null>(null)
  return {
    code,
    show: (failure: FailureCode) => (code.value = failure),
    dismiss: () => (code.value = null),
    news,
    tell: (told: News) => (news.value = told),
    dismissNews: () => (news.value = null),
  }
})
