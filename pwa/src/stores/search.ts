import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { SearchClient } from '../search/client'
import type { SearchHit } from '../search/types'
import { useChats } from './chats'
import { useHomes } from './homes'
import { services } from './services'

/** How long nobody types before it is searched for. */
const pauseMs = 80
/** How often more is looked for while chats are still being read. */
const againMs = 1_000
const limit = 50

export type SearchState = 'idle' | 'searching' | 'found' | 'failed'

/** A search through all chats on this device: of what was typed last, and of nothing before. */
export const useSearch = defineStore('search', () => {
  const { openSearch, eraseSearch, clock } = services()
  const chats = useChats()
  const homes = useHomes()
  const query = ref('')
  const state = ref<SearchState>('idle')
  const hits = shallowRef<readonly SearchHit[]>([])
  const isComplete = ref(true)
  let client: Promise<SearchClient> | null = null
  let asked = 0
  let timer: unknown = null
  let isDue = false

  /** Made when a person turns to it, and not before. */
  function open(): Promise<SearchClient> {
    const { home } = homes
    if (!home) return Promise.reject(new Error('There is no home to search.'))
    return (client ??= openSearch(home).catch((error: unknown) => {
      client = null
      throw error
    }))
  }

  function prepare(): void {
    // A query of a person is not to be superseded.
    if (state.value !== 'idle') return
    // It begins to read the chats; what cannot be had now is asked for again with the first letter.
    void open()
      .then((ready) => ready.search('', 1))
      .catch(() => undefined)
  }

  function type(text: string): void {
    query.value = text
    clock.cancel(timer)
    isDue = false
    const mine = ++asked
    if (text.trim() === '') {
      state.value = 'idle'
      hits.value = []
      return
    }
    if (state.value !== 'found') state.value = 'searching'
    timer = clock.after(pauseMs, () => void find(mine))
  }

  async function find(mine: number): Promise<void> {
    try {
      const answer = await (await open()).search(query.value.trim(), limit)
      if (mine !== asked) return
      hits.value = answer.hits
      isComplete.value = answer.complete
      state.value = 'found'
      if (!answer.complete) findAgain()
    } catch {
      if (mine === asked) state.value = 'failed'
    }
  }

  /** Soon, and once for all that changes until then. */
  function findAgain(): void {
    if (state.value !== 'found' || isDue) return
    isDue = true
    timer = clock.after(againMs, () => {
      isDue = false
      void find(asked)
    })
  }

  function close(): void {
    type('')
    client?.then((open) => { open.close() }, () => undefined)
    client = null
  }

  function eraseNow(): void {
    if (homes.home) void eraseSearch(homes.home.id).catch(() => undefined)
  }

  // An index that nobody opened looks for itself at what has changed, once it is; what was deleted is
  // not to wait for that.
  chats.listenToTouched((touched, erased) => {
    client?.then((open) => { open.touched(touched, erased) }, () => undefined)
    if (!client && erased.length > 0) eraseNow()
    findAgain()
  })
  // In another log there are fewer chats than there were, and no event says which.
  watch(
    () => chats.log,
    (_, before) => {
      if (before !== null && !client) eraseNow()
    },
    { flush: 'sync' },
  )
  // Another home has other chats, and nobody has none.
  watch(() => homes.home && `${homes.home.id} ${String(homes.home.pairedAt)}`, close, { flush: 'sync' })

  return {
    query: computed(() => query.value),
    state: computed(() => state.value),
    hits: computed(() => hits.value),
    /** Whether all that the PC had at its last welcome was looked through. */
    isComplete: computed(() => isComplete.value && chats.isComplete),
    prepare,
    type,
    close,
  }
})
