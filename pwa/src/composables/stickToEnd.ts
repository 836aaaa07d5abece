import { onMounted, onUnmounted, type Ref, ref, type ShallowRef } from 'vue'

/** So near the end a person is taken to be reading there. */
const nearPx = 64

export interface StickToEnd {
  isAtEnd: Ref<boolean>
  toEnd: (smoothly?: boolean) => void
  /** Leaves the end, where need be, to show an element of the content. */
  toElement: (element: HTMLElement) => void
}

/**
 * Keeps a scroller at its end while its content grows, unless the person has scrolled away.
 *
 * @param nearTop the person comes to the beginning of what is there: it may grow upwards
 */
export function useStickToEnd(
  scroller: Readonly<ShallowRef<HTMLElement | null>>,
  content: Readonly<ShallowRef<HTMLElement | null>>,
  nearTop: () => void,
): StickToEnd {
  const isAtEnd = ref(true)
  let lastTop = 0

  function toEnd(smoothly = false): void {
    const element = scroller.value
    if (!element) return
    isAtEnd.value = true
    element.scrollTo({ top: element.scrollHeight, behavior: smoothly ? 'smooth' : 'instant' })
  }

  function toElement(element: HTMLElement): void {
    isAtEnd.value = false
    const show = () => {
      const isHigh = element.offsetHeight > (scroller.value?.clientHeight ?? 0)
      element.scrollIntoView({ block: isHigh ? 'start' : 'center' })
    }
    show()
    // What was never drawn is as high as was guessed, until it is scrolled to.
    requestAnimationFrame(show)
  }

  function scrolled(): void {
    const element = scroller.value
    if (!element) return
    const left = element.scrollHeight - element.scrollTop - element.clientHeight
    // Only going up leaves the end: growth makes the distance grow too, and is no wish to leave.
    if (left <= nearPx) isAtEnd.value = true
    else if (element.scrollTop < lastTop) isAtEnd.value = false
    lastTop = element.scrollTop
    if (lastTop < element.clientHeight) nearTop()
  }

  const observer = new ResizeObserver(() => {
    if (isAtEnd.value) toEnd()
    scrolled()
  })
  onMounted(() => {
    scroller.value?.addEventListener('scroll', scrolled, { passive: true })
    for (const element of [scroller.value, content.value]) if (element) observer.observe(element)
    toEnd()
  })
  onUnmounted(() => {
    scroller.value?.removeEventListener('scroll', scrolled)
    observer.disconnect()
  })
  return { isAtEnd, toEnd, toElement }
}
