import { onUnmounted, type Ref, ref } from 'vue'

/** Whether a media query holds, now and as it changes. */
export function useMedia(query: string): Ref<boolean> {
  const media = window.matchMedia(query)
  const matches = ref(media.matches)
  const follow = () => (matches.value = media.matches)
  media.addEventListener('change', follow)
  onUnmounted(() => {
    media.removeEventListener('change', follow)
  })
  return matches
}
