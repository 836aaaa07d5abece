/** Under Trusted Types the address of a worker must come from a policy: this is the app's only one. */

interface Policy {
  createScriptURL(address: string): unknown
}

/** The parts of a window that it needs. */
export interface Scope {
  readonly location: { readonly origin: string }
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL: (address: string) => string }): Policy
  }
}

/** Gives what lets addresses of this app through, and throws TypeError at others. */
export function scriptPolicy(scope: () => Scope): (address: string) => string {
  let policy: Policy | null = null
  return (address) => {
    const { location, trustedTypes } = scope()
    const own = (asked: string) => {
      if (new URL(asked, location.origin).origin === location.origin) return asked
      throw new TypeError('That is no script of this app.')
    }
    if (!trustedTypes) return own(address)
    // The server's policy lets a name be taken once.
    policy ??= trustedTypes.createPolicy('hearth', { createScriptURL: own })
    return policy.createScriptURL(address) as string
  }
}

export const scriptAddress = scriptPolicy(() => globalThis as Scope)
