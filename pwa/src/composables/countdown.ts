import { computed, type ComputedRef, onMounted, onUnmounted, ref } from 'vue'
import { services } from '../stores/services'

/** Whole seconds until a moment, by this device's clock; 0 once it is past. */
export function useCountdown(endsMs: () => number): ComputedRef<number> {
  const { now } = services()
  const nowMs = ref(now())
  let timer: number | undefined
  onMounted(() => (timer = window.setInterval(() => (nowMs.value = now()), 500)))
  onUnmounted(() => {
    window.clearInterval(timer)
  })
  return computed(() => Math.max(0, Math.ceil((endsMs() - nowMs.value) / 1000)))
}
