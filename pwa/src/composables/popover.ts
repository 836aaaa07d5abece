const gapPx = 4
const edgePx = 8

/** Puts what is in the top layer below a button, or above it where there is no room below. */
export function placeBeside(element: HTMLElement, button: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = element
  const left = Math.max(edgePx, Math.min(button.right - width, innerWidth - width - edgePx))
  const below = button.bottom + gapPx
  const fits = below + height <= innerHeight - edgePx
  element.style.left = `${String(left)}px`
  element.style.top = `${String(fits ? below : Math.max(edgePx, button.top - gapPx - height))}px`
}
