import { expect, it } from 'vitest'
import { scriptPolicy } from './scriptAddress'

/** As a browser holds it under `trusted-types hearth`: each name once, and only what a policy made. */
class TrustedTypes {
  readonly made = new Set<unknown>()
  private readonly names = new Set(['vue'])

  createPolicy(name: string, rules: { createScriptURL: (address: string) => string }) {
    if (this.names.has(name)) throw new TypeError('duplicate')
    this.names.add(name)
    return {
      createScriptURL: (address: string) => {
        const checked = rules.createScriptURL(address)
        const trusted = { toString: () => checked }
        this.made.add(trusted)
        return trusted
      },
    }
  }
}

const location = { origin: 'https://home.test' }

it('has one policy for every script of the app', () => {
  const trustedTypes = new TrustedTypes()
  const scriptAddress = scriptPolicy(() => ({ location, trustedTypes }))
  for (const address of ['/sw.js', '/assets/worker-1.js', '/sw.js']) {
    const trusted = scriptAddress(address)
    expect(trustedTypes.made).toContain(trusted)
    expect(String(trusted)).toBe(address)
  }
})

it.each([
  ['with Trusted Types', { trustedTypes: new TrustedTypes() }],
  ['without them', {}],
])('lets no script of others through, %s', (_, types) => {
  const scriptAddress = scriptPolicy(() => ({ location, ...types }))
  expect(() => scriptAddress('https://evil.test/x.js')).toThrow(TypeError)
  expect(() => scriptAddress('data:text/javascript,1')).toThrow(TypeError)
  expect(() => scriptAddress('//evil.test/x.js')).toThrow(TypeError)
  expect(String(scriptAddress('/sw.js'))).toBe('/sw.js')
})
