/**
 * The page's policy lets no string become code or HTML. One must: the address of the service
 * worker, which the build's own code hands to the browser as text.
 */
interface Factory {
  createPolicy(name: string, rules: { createScriptURL: (address: string) => string }): unknown
}

const serviceWorker = '/sw.js'

/** A browser without trusted types lets it pass by itself. */
export function allowServiceWorker(factory: Factory | undefined): void {
  factory?.createPolicy('default', {
    createScriptURL(address) {
      if (address === serviceWorker) return address
      throw new TypeError('Only the service worker is loaded by its address.')
    },
  })
}

export const trustedTypesOf = (window: object): Factory | undefined =>
  (window as { trustedTypes?: Factory }).trustedTypes
