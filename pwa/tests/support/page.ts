import type { DOMWrapper, VueWrapper } from '@vue/test-utils'

/** The button of this name, as it is read out. */
export function button(view: VueWrapper, name: string): DOMWrapper<HTMLButtonElement> {
  const found = view
    .findAll<HTMLButtonElement>('button')
    .find((one) => one.attributes('aria-label') === name || one.text() === name)
  if (!found) throw new Error(`There is no button ${name}.`)
  return found
}
