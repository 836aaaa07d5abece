/** What the worker does with what the page says. */
import { Indexer, type IndexerNeeds, type Replica } from './indexer'
import type { IndexStorage } from './kept'
import type { FromWorker, ToWorker } from './protocol'

export interface ServeNeeds extends IndexerNeeds {
  openReplica: (home: string, pairedAt: number) => Promise<Replica>
  openIndex: (home: string) => Promise<IndexStorage>
  /**
   * Whether this worker is the one of this browser that writes the index, from now to its end. With
   * `wait` only once it is.
   */
  holdPen: (home: string, wait: boolean) => Promise<boolean>
  say: (message: FromWorker) => void
}

export function serve(needs: ServeNeeds): (message: ToWorker) => void {
  let opened: Promise<void> = Promise.resolve()
  let indexer: Indexer | null = null
  let lastQuery = 0

  async function open(home: string, pairedAt: number): Promise<void> {
    const replica = await needs.openReplica(home, pairedAt)
    const kept = await needs.openIndex(home).catch(() => null)
    const isWriter = await needs.holdPen(home, false)
    await use(new Indexer(replica, isWriter ? kept : readOnly(kept), needs))
    if (isWriter || !kept) return
    // The tab that wrote is gone: what it left is read anew, and kept by this one.
    const takeOver = needs.holdPen(home, true).then(() => use(new Indexer(replica, kept, needs)))
    takeOver.catch(broken)
  }

  async function use(next: Indexer): Promise<void> {
    await next.open()
    indexer = next
    next.catchUp().catch(broken)
  }

  async function search(id: number, query: string, limit: number): Promise<void> {
    lastQuery = id
    await opened
    const result = await indexer?.search(query, limit)
    if (result && id === lastQuery) needs.say({ type: 'found', id, result })
  }

  function broken(): void {
    needs.say({ type: 'broken' })
  }

  return (message) => {
    switch (message.type) {
      case 'open':
        opened = open(message.home, message.pairedAt)
        opened.catch(broken)
        return
      case 'search':
        search(message.id, message.query, message.limit).catch(broken)
        return
      case 'touched':
        opened.then(() => indexer?.touched(message.chats, message.erased)).catch(broken)
    }
  }
}

/** Of a tab beside the one that writes: it starts with what is kept, and keeps nothing. */
function readOnly(kept: IndexStorage | null): IndexStorage | null {
  return kept && { ...kept, write: () => Promise.resolve(), erase: () => Promise.resolve() }
}
