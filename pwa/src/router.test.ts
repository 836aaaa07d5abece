import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryHistory } from 'vue-router'
import { session, TestServices } from '../tests/support/services'
import { ProblemError } from './net/errors'
import { catchFragments, type Page } from './fragment'
import { makeRouter } from './router'
import { useHomes } from './stores/homes'
import { useHomeLogIn } from './stores/homeLogIn'
import { useInvitation } from './stores/invitation'
import { services } from './stores/services'

const homeId = 'ab'.repeat(16)
const secret = '7ZRA0W4K7ZRA0W4K'

let outside: TestServices

beforeEach(() => {
  outside = new TestServices()
})

/** A tab of a browser that was opened at this address. */
class TestPage implements Page {
  url: URL
  history: Page['history'] = {
    state: { position: 3 },
    replaceState: (state: unknown, _unused: string, path: string) => {
      this.states.push(state)
      this.url = new URL(path, this.url)
    },
  }
  states: unknown[] = []
  private onPop: () => void = () => undefined

  constructor(address: string) {
    this.url = new URL(address)
    catchFragments(this, services().tab, {
      invitation: useInvitation().keep,
      logIn: useHomeLogIn().keep,
    })
  }

  get location(): URL {
    return this.url
  }

  addEventListener(_type: 'popstate', listener: () => void): void {
    this.onPop = listener
  }

  click(fragment: string): void {
    this.url = new URL(fragment, this.url)
    this.onPop()
  }
}

/** Everything of the tab in which a secret could be found later. */
async function traces(page: TestPage): Promise<string> {
  const history = createMemoryHistory()
  const router = makeRouter(history)
  await router.push(page.url.pathname + page.url.search + page.url.hash)
  const { fullPath, query } = router.currentRoute.value
  return JSON.stringify([page.url.href, page.states, fullPath, query, history.location, history.state])
}

describe('an invitation in the address', () => {
  it('is kept by the tab, and found nowhere else, log-in or not', async () => {
    for (const isIn of [false, true]) {
      outside = new TestServices()
      outside.refresh = () =>
        isIn ? Promise.resolve(session) : Promise.reject(new ProblemError('not_logged_in', ''))
      const page = new TestPage(`https://hearth.example/pair#${homeId}.${secret}`)
      const found = await traces(page)
      expect(found).not.toMatch(/7ZRA|abab/i)
      expect(found).toContain(isIn ? '"/pair"' : '"next":"/pair"')
      expect(useInvitation().kept).toEqual({ secret, homeId, automatic: false })
      expect(outside.invitation).toEqual({ secret, homeId, automatic: false })
    }
  })

  it('leaves the state of the history as it was', () => {
    const page = new TestPage(`https://hearth.example/pair#${secret}`)
    expect(page.states).toEqual([{ position: 3 }])
  })

  it('is found after a reload, until it is thrown away', () => {
    new TestPage(`https://hearth.example/pair#${secret}`)
    const kept = outside.invitation
    outside = new TestServices()
    outside.invitation = kept
    expect(useInvitation().kept?.secret).toBe(secret)
    useInvitation().drop()
    expect([useInvitation().kept, outside.invitation]).toEqual([null, null])
  })

  it('is taken from a link that is clicked later, too', () => {
    const page = new TestPage('https://hearth.example/pair')
    expect(useInvitation().kept).toBeNull()
    page.click(`#${secret}`)
    expect(page.url.href).toBe('https://hearth.example/pair')
    expect(useInvitation().kept?.secret).toBe(secret)
  })

  it('is not looked for on other pages, and is not what cannot be read', () => {
    new TestPage(`https://hearth.example/settings#${secret}`)
    expect([useInvitation().kept, useInvitation().unreadable]).toEqual([null, false])
    const page = new TestPage('https://hearth.example/pair#nonsense')
    expect([useInvitation().kept, useInvitation().unreadable]).toEqual([null, true])
    expect(page.url.hash).toBe('')
  })

  it('never gets into next, even where it came by another road', async () => {
    outside.refresh = () => Promise.reject(new ProblemError('not_logged_in', ''))
    const router = makeRouter(createMemoryHistory())
    await router.push(`/pair#${secret}`)
    expect(router.currentRoute.value.fullPath).toBe('/login?next=/pair')
  })
})

describe('an invitation without a question', () => {
  const open = (trip: 'away' | 'back' | null, address: string) => {
    outside = new TestServices()
    outside.trip = trip
    new TestPage(`${address}/pair#${homeId}.${secret}`)
    return useInvitation().kept?.automatic
  }

  it('is only one from the PC’s own door, on the PC itself', () => {
    expect(open('away', 'http://localhost:8080')).toBe(true)
    expect(outside.trip).toBe('back')
    expect(open('back', 'http://localhost:8080')).toBe(false)
    expect(open(null, 'http://localhost:8080')).toBe(false)
    expect(open('away', 'https://hearth.example')).toBe(false)
  })

  it('is none that was clicked after that', () => {
    outside.trip = 'away'
    const page = new TestPage('http://localhost:8080/pair')
    page.click(`#${secret}`)
    expect(useInvitation().kept?.automatic).toBe(false)
  })
})

describe('the PC’s word for a log-in in the address', () => {
  beforeEach(() => {
    outside.refresh = () => Promise.reject(new ProblemError('not_logged_in', ''))
  })

  it('is found nowhere but with whoever logs in', async () => {
    const used: string[] = []
    outside.logInByHome = (assertion) => (used.push(assertion), Promise.resolve(session))
    const page = new TestPage('http://localhost:8080/login?next=/devices#a.b.c')
    expect(await traces(page)).not.toContain('a.b.c')
    await useHomeLogIn().use()
    expect(used).toEqual(['a.b.c'])
  })

  it('is taken on the PC itself only', async () => {
    outside.logInByHome = () => Promise.reject(new Error('It was taken.'))
    const page = new TestPage('https://hearth.example/login#a.b.c')
    expect(page.url.hash).toBe('')
    await useHomeLogIn().use()
  })
})

describe('a browser without a home', () => {
  async function at(path: string, state: 'unpaired' | 'unkept' | 'paired'): Promise<string> {
    outside = new TestServices()
    const homes = useHomes()
    homes.load = () => Promise.resolve(void (homes.state = state))
    const router = makeRouter(createMemoryHistory())
    await router.push(path)
    return router.currentRoute.value.path
  }

  it('is led from chats to pairing', async () => {
    for (const state of ['unpaired', 'unkept'] as const) {
      expect(await at('/', state)).toBe('/pair')
      expect(await at('/chat/7', state)).toBe('/pair')
    }
  })

  it('has its settings all the same', async () => {
    expect(await at('/settings', 'unpaired')).toBe('/settings')
  })

  it('is one no more once it is paired, and may be paired again', async () => {
    expect(await at('/chat/7', 'paired')).toBe('/chat/7')
    expect(await at('/pair', 'paired')).toBe('/pair')
  })
})
