import { readFileSync } from 'node:fs'
import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { type FirstMessages, joined, type Messages, type PageMessages } from '../i18n'
import { useHomes } from '../stores/homes'
import { useInvitation } from '../stores/invitation'
import { useNotices } from '../stores/notices'
import { usePairing } from '../stores/pairing'
import PairPage from './PairPage.vue'

const homeId = 'ab'.repeat(16)
const secret = '7ZRA0W4K7ZRA0W4K'

/** As they are written: what is imported has been compiled. */
function read(language: string): Messages {
  const part = (name: string): unknown =>
    JSON.parse(readFileSync(`src/i18n/locales/${name}.json`, 'utf8'))
  return joined(part(language) as FirstMessages, part(`${language}.pages`) as PageMessages)
}

const locales = { en: read('en'), ru: read('ru') }
const { en } = locales

let outside: TestServices
let page: VueWrapper
let begun: unknown[]
let answers: boolean[]

beforeEach(() => {
  begin()
})

afterEach(() => {
  page.unmount()
  Reflect.deleteProperty(navigator, 'standalone')
  Reflect.deleteProperty(navigator, 'mediaDevices')
})

/** The page's stores, in the hands of a test. */
function begin(hostname = 'hearth.example'): void {
  outside = new TestServices({ hostname })
  begun = []
  answers = []
  const pairing = usePairing()
  pairing.begin = (invitation) => void begun.push(invitation)
  pairing.answer = (equal) => void answers.push(equal)
  pairing.cancel = () => (pairing.state = 'idle')
  home('unpaired')
}

function home(state: 'unpaired' | 'paired' | 'unkept'): void {
  const homes = useHomes()
  homes.load = () => Promise.resolve(void (homes.state = state))
}

async function open(language: 'en' | 'ru' = 'en'): Promise<void> {
  page = show(PairPage, {}, language)
  await flushPromises()
}

async function press(words: string): Promise<void> {
  const button = page.findAll('button').find((one) => one.text() === words)
  if (!button) throw new Error(`There is no button '${words}'.`)
  await button.trigger('click')
  await flushPromises()
}

async function come(state: ReturnType<typeof usePairing>['state'], rest: object = {}): Promise<void> {
  Object.assign(usePairing(), rest, { state })
  await flushPromises()
}

const heading = () => page.get('h1').text()

describe.each(['en', 'ru'] as const)('in %s', (language) => {
  const { pair, error } = locales[language]

  it('offers three ways, and says where the code is', async () => {
    await open(language)
    expect(heading()).toBe(pair.heading)
    expect(page.get('code').text()).toBe('python -m gpu_peer pair')
    const buttons = page.get('main').findAll('button').map((one) => one.text())
    expect(buttons).toEqual([pair.scan.open, pair.code.submit, pair.compare.open])
  })

  it('says in a heading how far it is, which takes the focus', async () => {
    await open(language)
    for (const state of ['looking', 'pairing'] as const) {
      await come(state)
      expect([heading(), page.text()]).toEqual([
        pair[state].heading,
        expect.stringContaining(pair[state].lead),
      ])
      expect(document.activeElement).toBe(page.get('h1').element)
    }
    await come('comparing', { code: '7ZRA0W4K' })
    expect(heading()).toBe(pair.compare.heading)
    await come('waiting')
    expect([heading(), page.text()]).toEqual([
      pair.compare.waitHeading,
      expect.stringContaining(pair.compare.wait),
    ])
  })

  it('says why it failed and what to do, and offers the ways again', async () => {
    await open(language)
    const failures = {
      ...pair.failure,
      pairing_code_wrong: error.pairing_code_wrong,
      pairing_expired: error.pairing_expired,
      peer_unreachable: error.peer_unreachable,
    }
    for (const [failure, sentence] of Object.entries(failures)) {
      await come('looking')
      await come('failed', { failure })
      expect(page.get('[role=alert]').text()).toBe(sentence)
      expect(page.text()).toContain(pair.scan.open)
    }
  })

  it('has no way on after an attack', async () => {
    await open(language)
    await come('failed', { failure: 'attack' })
    expect(heading()).toBe(pair.attack.heading)
    expect(page.get('[role=alert]').text()).toBe(pair.attack.advice)
    expect(page.get('main').findAll('button, input')).toEqual([])
  })

  it('says that a browser which keeps nothing cannot be paired', async () => {
    home('unkept')
    await open(language)
    expect([heading(), page.text()]).toEqual([
      pair.unkept.heading,
      expect.stringContaining(pair.unkept.lead),
    ])
    expect(page.get('main').findAll('button, input')).toEqual([])
  })
})

describe('a typed code', () => {
  const field = () => page.get<HTMLInputElement>('input[name=code]')

  it('is put in groups as it is typed, and pairs', async () => {
    await open()
    await field().setValue('7zra0w4k 7zrao')
    expect(field().element.value).toBe('7ZRA-0W4K-7ZRA-O')
    await field().setValue('7ZRA-0W4K-7ZRA-OW4K')
    await page.get('form').trigger('submit')
    expect(begun).toEqual([{ secret, homeId: null }])
  })

  it('may be the whole link', async () => {
    await open()
    await field().setValue(`https://hearth.example/pair#${homeId}.${secret}`)
    await page.get('form').trigger('submit')
    expect(begun).toEqual([{ secret, homeId }])
  })

  it('is looked at with every key, and what is wrong is said', async () => {
    await open()
    const problem = async (text: string, isSent = false) => {
      await field().setValue(text)
      if (isSent) await page.get('form').trigger('submit')
      return field().attributes('aria-invalid') && page.get('.about.sentence').text()
    }
    expect(await problem('7ZR')).toBeUndefined()
    expect(await problem('7ZU')).toContain('“U” is in no code.')
    expect(await problem('7ZК')).toBe(en.pair.code.latin)
    expect(await problem('7ZRA-0W4K-7ZRA-0W4K-7')).toContain('here are 17')
    expect(await problem('7ZR', true)).toContain('here are 3')
    expect(await problem('')).toBe('Fill this in.')
    expect(await problem('https://other.example/#x')).toBe(en.pair.code.link)
    expect(begun).toEqual([])
  })

  it('is still there for who mistyped it', async () => {
    await open()
    await field().setValue('7ZRA-0W4K-7ZRA-0W4K')
    await come('looking')
    await come('failed', { failure: 'pairing_code_wrong' })
    expect(field().element.value).toBe('7ZRA-0W4K-7ZRA-0W4K')
  })
})

describe('comparing', () => {
  it('is begun without an invitation, and ends with the person’s word', async () => {
    await open()
    await press(en.pair.compare.open)
    expect(begun).toEqual([null])
    await come('comparing', { code: '7ZRA0W4K' })
    expect(page.findAll('.group').map((group) => group.text())).toEqual(['7ZRA', '0W4K'])
    expect(page.get('.code .visually-hidden').text()).toBe('Code: 7 Z R A, 0 W 4 K')
    await press(en.pair.compare.differ)
    await press(en.pair.compare.same)
    expect(answers).toEqual([false, true])
  })
})

describe('the camera', () => {
  it('that cannot be had leaves typing, with a sentence and the focus', async () => {
    const mediaDevices = { getUserMedia: () => Promise.reject(new DOMException('', 'NotAllowedError')) }
    Object.defineProperty(navigator, 'mediaDevices', { value: mediaDevices, configurable: true })
    await open()
    await press(en.pair.scan.open)
    // The reader comes as a chunk of its own.
    await vi.waitUntil(() => page.find('[role=alert]').exists())
    expect(page.get('[role=alert]').text()).toBe(en.pair.scan.failure.denied)
    expect(page.find('video').exists()).toBe(false)
    expect(document.activeElement?.textContent).toBe(en.pair.scan.open)
    expect(page.find('input[name=code]').exists()).toBe(true)
  })
})

describe('a link', () => {
  const kept = { secret, homeId, automatic: false }

  it('asks first: who made it would see the chats', async () => {
    outside.invitation = kept
    await open()
    expect([heading(), begun]).toEqual([en.pair.invited.heading, []])
    await press(en.pair.invited.yes)
    expect(begun).toEqual([kept])
  })

  it('may be declined, and is forgotten then', async () => {
    outside.invitation = kept
    await open()
    await press(en.pair.invited.no)
    expect([heading(), outside.invitation]).toEqual([en.pair.heading, null])
  })

  it('is thrown away once it was used, whatever came of it', async () => {
    for (const [state, failure] of [['failed', 'timeout'], ['paired', null]] as const) {
      begin()
      outside.invitation = kept
      await open()
      await press(en.pair.invited.yes)
      await come('pairing')
      expect(outside.invitation).toEqual(kept)
      await come(state, { failure })
      expect(outside.invitation).toBeNull()
      if (state === 'failed') page.unmount()
    }
  })

  it('that cannot be read is told', async () => {
    useInvitation().keep('#nonsense', false)
    await open()
    expect(page.get('[role=alert]').text()).toBe(en.pair.scan.other)
  })
})

describe('on the PC itself', () => {
  const door = 'http://127.0.0.1:4711'

  it('the PC’s own door is tried, once', async () => {
    begin('localhost')
    outside.door = door
    await open()
    expect([outside.wentTo, outside.trip]).toEqual([[`${door}/pair`], 'away'])
    page.unmount()
    await open()
    expect(outside.wentTo).toHaveLength(1)
  })

  it('a server that names no door is no hindrance', async () => {
    begin('localhost')
    await open()
    expect([outside.wentTo, outside.trip, heading()]).toEqual([[], null, en.pair.heading])
  })

  it('an invitation from the door pairs without a question, and that is told', async () => {
    begin('localhost')
    outside.trip = 'back'
    outside.invitation = { secret, homeId, automatic: true }
    await open()
    expect(begun).toEqual([{ secret, homeId, automatic: true }])
    await come('paired', { automatic: true })
    expect(useNotices().news).toBe('pairedByItself')
  })

  it('a pairing by hand is no news', async () => {
    await open()
    await come('paired', { automatic: false })
    expect(useNotices().news).toBeNull()
  })
})

describe('beside the ways', () => {
  it('Safari on iOS is told to go to the home screen, and the app there is not', async () => {
    for (const standalone of [false, true]) {
      Object.defineProperty(navigator, 'standalone', { value: standalone, configurable: true })
      await open()
      expect(page.text().includes(en.pair.installed)).toBe(!standalone)
      if (!standalone) page.unmount()
    }
  })

  it('who is paired already is told that it would be replaced', async () => {
    home('paired')
    await open()
    expect(page.text()).toContain('Another pairing takes its place.')
    expect(page.text()).toContain(en.pair.back)
  })

  it('leaving the page ends what was begun', async () => {
    await open()
    await come('looking')
    page.unmount()
    expect(usePairing().state).toBe('idle')
  })
})
