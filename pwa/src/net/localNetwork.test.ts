import { describe, expect, it } from 'vitest'
import { localNetwork, type LocalNetworkState } from './localNetwork'

/** A browser that knows some names, and throws at the others as they do. */
class Browser {
  readonly asked: string[] = []
  readonly status = Object.assign(new EventTarget(), { state: 'prompt' as PermissionState })

  constructor(private readonly known: readonly string[]) {}

  query({ name }: { name: string }): Promise<PermissionStatus> {
    this.asked.push(name)
    if (!this.known.includes(name)) throw new TypeError(`'${name}' is not a valid enum value.`)
    return Promise.resolve(this.status as unknown as PermissionStatus)
  }

  change(state: PermissionState): void {
    this.status.state = state
    this.status.dispatchEvent(new Event('change'))
  }
}

function network(browser: Browser | undefined, hostname = 'hearth.example') {
  return localNetwork({ permissions: browser, hostname })
}

async function told(browser: Browser | undefined, hostname?: string): Promise<LocalNetworkState> {
  return new Promise((resolve) => network(browser, hostname).follow(resolve))
}

describe('the permission for the local network', () => {
  it('is asked for by the newer name, and by the older one where that is unknown', async () => {
    for (const name of ['local-network', 'local-network-access']) {
      const browser = new Browser([name])
      expect(await told(browser)).toBe('prompt')
      expect(browser.asked.at(-1)).toBe(name)
    }
  })

  it('is not needed where the browser knows neither name, or nothing of permissions', async () => {
    expect(await told(new Browser([]))).toBe('free')
    expect(await told(undefined)).toBe('free')
  })

  it('is not needed on the PC itself', async () => {
    const browser = new Browser(['local-network'])
    expect(await told(browser, 'localhost')).toBe('free')
    expect(browser.asked).toEqual([])
  })

  it('is followed as the person changes it, until nobody looks', async () => {
    const browser = new Browser(['local-network'])
    const heard: LocalNetworkState[] = []
    const stop = await new Promise<() => void>((resolve) => {
      const end: () => void = network(browser).follow((state) => {
        heard.push(state)
        resolve(() => end())
      })
    })
    browser.change('denied')
    browser.change('granted')
    stop()
    browser.change('denied')
    expect(heard).toEqual(['prompt', 'denied', 'free'])
  })
})
