import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { chat, created, id, welcomeOf, written } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import { fixed } from '../../tests/support/trust'
import { until } from '../../tests/support/until'
import type { SearchHit, SearchResult } from '../search/types'
import { useHomes } from '../stores/homes'
import { useSearch } from '../stores/search'
import SearchField from './SearchField.vue'
import SearchResults from './SearchResults.vue'

const hit: SearchHit = {
  chat,
  message: id(20),
  inAnswer: true,
  snippet: { text: 'Why does rain smell of rain?', marks: [[9, 13], [23, 27]] },
  atMs: 0,
}

/** A search whose answers come when a test says so. */
class TestSearch {
  asked: string[] = []
  opened: string[] = []
  told: unknown[] = []
  closed = 0
  private answers: ((result: SearchResult) => void)[] = []
  private supersede = (): void => undefined

  open = (home: { id: string }) => {
    this.opened.push(home.id)
    return Promise.resolve({
      search: (query: string) => {
        this.supersede()
        if (!query) return Promise.resolve({ hits: [], complete: false })
        this.asked.push(query)
        return new Promise<SearchResult>((resolve, reject) => {
          this.answers.push(resolve)
          this.supersede = () => reject(new Error('Another query was asked.'))
        })
      },
      touched: (...told: unknown[]) => void this.told.push(told),
      close: () => void this.closed++,
    })
  }

  async answer(place: number, hits: SearchHit[], complete = true): Promise<void> {
    this.answers[place]!({ hits, complete })
    await flushPromises()
  }
}

let outside: TestServices
let index: TestSearch
let field: VueWrapper
let results: VueWrapper

beforeEach(async () => {
  outside = new TestServices()
  index = new TestSearch()
  outside.openSearch = index.open
  await useHomes().pin(fixed('attic'), '')
  await outside.begin()
  outside.connect()
  field = show(SearchField)
  results = show(SearchResults)
  const events = [created(1, 'Weather'), created(2, 'Plants', id(50))]
  outside.say({ type: 'events', events, upto: 2 })
  await flushPromises()
  return () => {
    field.unmount()
    results.unmount()
  }
})

const input = () => field.get('input')

async function type(text: string, pauseMs = 80): Promise<void> {
  await input().setValue(text)
  outside.clock.pass(pauseMs)
  await flushPromises()
}

describe('the search', () => {
  it('is opened when a person turns to it, once', async () => {
    expect(index.opened).toEqual([])
    await input().trigger('focus')
    await input().trigger('focus')
    expect(index.opened).toHaveLength(1)
  })

  it('asks when nobody types for a moment, for what stands there then', async () => {
    await type('r', 79)
    await type('ra', 79)
    expect(index.asked).toEqual([])
    await type(' rain ')
    expect(index.asked).toEqual(['rain'])
  })

  it('shows title, date and piece, with the words that were looked for marked', async () => {
    await type('rain')
    expect(results.get('[role="status"]').text()).toBe('Searching…')
    await index.answer(0, [hit])
    expect(results.get('[role="status"]').text()).toBe('1 place found')
    expect(results.get('a').text()).toContain('Weather')
    expect(results.get('time').text()).toMatch(/19(69|70)/)
    expect(results.findAll('mark').map((mark) => mark.text())).toEqual(['rain', 'rain'])
    expect(results.get('.snippet').text()).toBe('Why does rain smell of rain?')
    expect(results.get('a').attributes('href')).toBe(`/chat/${chat}?at=${id(20)}&part=answer`)
  })

  it('lets no late answer take the place of a newer one', async () => {
    await type('rain')
    await type('plants')
    await index.answer(1, [{ ...hit, chat: id(50) }])
    await index.answer(0, [hit])
    expect(results.get('a').text()).toContain('Plants')
  })

  it('says that nothing is there, or not yet, and then looks again', async () => {
    await type('snow')
    await index.answer(0, [], false)
    expect(results.text()).toContain('Nothing found so far.')
    expect(results.text()).toContain('Still reading your chats.')
    outside.clock.pass(1_000)
    await flushPromises()
    expect(index.asked).toEqual(['snow', 'snow'])
    await index.answer(1, [])
    expect(results.text()).toBe('Nothing found.')
  })

  it('keeps no words of an older log, though nobody searches', async () => {
    outside.say(welcomeOf(9, { log: id(901), after: 9, before: 10 }))
    expect(outside.erased).toEqual([useHomes().home!.id])
  })

  it('keeps no words of a deleted chat, though nobody searches', async () => {
    outside.say({ type: 'events', events: [{ type: 'chat_deleted', seq: 3, at_ms: 3, chat }], upto: 3 })
    await until(() => outside.erased.length > 0)
    expect(outside.erased).toEqual([useHomes().home!.id])
    expect(index.opened).toEqual([])
  })

  it('is not disturbed by whoever turns to the field once more', async () => {
    await type('rain')
    await field.get('input').trigger('focus')
    await index.answer(0, [hit])
    expect(results.findAll('a')).toHaveLength(1)
  })

  it('says that not all was looked through while the PC has more, and looks again as it comes', async () => {
    outside.say(welcomeOf(900, { after: 890, before: 891 }))
    await type('snow')
    await index.answer(0, [])
    expect(results.text()).toContain('Nothing found so far.')
    outside.say({ type: 'events', events: [written(891, 'It snows')], upto: 891 })
    await until(() => index.told.length > 0)
    await flushPromises()
    outside.clock.pass(1_000)
    await flushPromises()
    expect(index.asked).toEqual(['snow', 'snow'])
  })

  it('says when it cannot be had, and is asked for anew with the next letter', async () => {
    outside.openSearch = () => Promise.reject(new Error('gone'))
    await type('rain')
    expect(results.get('[role="status"]').text()).toContain('could not be opened')
    outside.openSearch = index.open
    await type('rain?')
    await index.answer(0, [hit])
    expect(results.findAll('a')).toHaveLength(1)
  })

  it('shows nothing of a chat that is gone', async () => {
    await type('rain')
    await index.answer(0, [hit, { ...hit, chat: id(99) }])
    expect(results.findAll('a')).toHaveLength(1)
  })

  it('ends with Escape, which is then free to close what is around it', async () => {
    await type('rain')
    await index.answer(0, [hit])
    const press = () => {
      const event = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true })
      input().element.dispatchEvent(event)
      return event.defaultPrevented
    }
    expect([press(), useSearch().state, press()]).toEqual([true, 'idle', false])
    expect(input().element.value).toBe('rain')
    await flushPromises()
    expect(input().element.value).toBe('')
  })

  it('leads with the arrow keys from the field through what was found and back', async () => {
    await type('rain')
    await index.answer(0, [hit, { ...hit, message: id(21) }])
    await input().trigger('keydown', { key: 'ArrowDown' })
    expect(field.emitted('down')).toHaveLength(1)
    const [first, second] = results.findAll('a')
    first!.element.focus()
    await first!.trigger('keydown', { key: 'ArrowDown' })
    expect(document.activeElement).toBe(second!.element)
    await second!.trigger('keydown', { key: 'ArrowUp' })
    await first!.trigger('keydown', { key: 'ArrowUp' })
    expect(document.activeElement).toBe(input().element)
  })

  it('hears what changed, while it is open', async () => {
    await type('rain')
    outside.say({ type: 'events', events: [created(3, 'Books', id(60))], upto: 3 })
    await until(() => index.told.flat(2).includes(id(60)))
  })
})
