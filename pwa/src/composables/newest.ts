import { computed, type ComputedRef, type Ref, ref, watch } from 'vue'

/** More than a screen of them, as a rule: so many are shown at least. */
const atLeast = 12
const step = 24

interface Named {
  readonly id: string
}

export interface Newest<T> {
  /** Those from `start` on. */
  shown: ComputedRef<readonly T[]>
  start: ComputedRef<number>
  /** Shows some more of what came before, where there is any. */
  more: (count?: number) => void
  /** Has one of them shown, and a few before it. */
  include: (id: string) => void
}

/** The end of a long list, and more of it as a person goes up: what nobody looks at costs nothing. */
export function useNewest<T extends Named>(all: Readonly<Ref<readonly T[]>>): Newest<T> {
  /** The first that is shown: others may come before it as well as after it. */
  const first = ref<string | null>(null)
  const start = computed(() => {
    const place = all.value.findIndex(({ id }) => id === first.value)
    const newest = Math.max(0, all.value.length - atLeast)
    return place < 0 ? newest : Math.min(place, newest)
  })
  const shown = computed(() => (start.value === 0 ? all.value : all.value.slice(start.value)))
  watch(shown, ([now]) => (first.value = now?.id ?? null), { immediate: true, flush: 'sync' })

  function from(place: number): void {
    if (place < start.value) first.value = all.value[Math.max(0, place)]?.id ?? null
  }

  return {
    shown,
    start,
    more: (count = step) => from(start.value - count),
    include: (id) => {
      const place = all.value.findIndex((one) => one.id === id)
      if (place >= 0) from(place - 4)
    },
  }
}
