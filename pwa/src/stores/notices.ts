import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { FailureCode } from '../net/errors'

/** One sentence about what just went wrong; a newer takes the place of an older. */
export const useNotices = defineStore('notices', () => {
  const code = shallowRef<FailureCode | null>(null)
  return {
    code,
    show: (failure: FailureCode) => (code.value = failure),
    dismiss: () => (code.value = null),
  }
})
