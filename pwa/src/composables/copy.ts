import { onUnmounted, type Ref, ref } from 'vue'

export type CopyState = 'idle' | 'copied' | 'failed'

const shownMs = 2_000

export interface Copy {
  state: Ref<CopyState>
  copy: (text: string) => Promise<void>
}

/** Puts text on the clipboard, and says for a moment how it went. */
export function useCopy(): Copy {
  const state = ref<CopyState>('idle')
  let timer: number | undefined

  async function copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      state.value = 'copied'
    } catch {
      state.value = 'failed'
    }
    window.clearTimeout(timer)
    timer = window.setTimeout(() => (state.value = 'idle'), shownMs)
  }

  onUnmounted(() => {
    window.clearTimeout(timer)
  })
  return { state, copy }
}
