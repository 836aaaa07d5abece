import { onMounted, onUnmounted } from 'vue'

/** Tells the style sheet how high the visible part of the page is, above a phone's keyboard. */
export function useViewportHeight(): void {
  const viewport = window.visualViewport

  function measure(): void {
    if (!viewport || viewport.scale > 1) return
    document.documentElement.style.setProperty('--viewport-height', `${String(viewport.height)}px`)
    // iOS pushes the page up to show the field; it is shown already.
    if (window.scrollY !== 0) window.scrollTo(0, 0)
  }

  onMounted(() => {
    measure()
    viewport?.addEventListener('resize', measure)
  })
  onUnmounted(() => viewport?.removeEventListener('resize', measure))
}
