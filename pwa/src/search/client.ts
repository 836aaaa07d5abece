/** The page's side of the search. */
import type { FromWorker, ToWorker } from './protocol'
import type { SearchResult } from './types'

export interface SearchClient {
  /**
   * Looks through all that is on this device.
   * @throws {SearchSuperseded} another query was asked before this one was answered.
   * @throws {SearchFailed} there is no answer to be had.
   */
  search(query: string, limit: number): Promise<SearchResult>
  /** The replica holds other events of these chats now; `erased` are gone. After it was written. */
  touched(chats: readonly string[], erased: readonly string[]): void
  close(): void
}

/** Nobody waits for this answer any more: a later query took its place, or the search was closed. */
export class SearchSuperseded extends Error {
  override readonly name = 'SearchSuperseded'
}

/** The search went down twice in a row. The next query tries it once more. */
export class SearchFailed extends Error {
  override readonly name = 'SearchFailed'
}

/** What the client needs of a `Worker`. */
export type WorkerLike = Pick<Worker, 'postMessage' | 'terminate' | 'onmessage' | 'onerror'>

interface Asked {
  readonly message: Extract<ToWorker, { type: 'search' }>
  resolve(result: SearchResult): void
  reject(error: Error): void
}

/** @param home its id, and when this device was paired with it */
export function searchClient(
  home: { readonly id: string; readonly pairedAt: number },
  start: () => WorkerLike,
): SearchClient {
  let worker: WorkerLike | null = null
  /** Whether the worker before this one went down without an answer. */
  let isSecond = false
  let asked: Asked | null = null
  let lastId = 0

  function open(): WorkerLike {
    const opened = start()
    opened.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (opened !== worker) return
      if (data.type === 'broken') return fail()
      isSecond = false
      if (asked?.message.id !== data.id) return
      asked.resolve(data.result)
      asked = null
    }
    opened.onerror = () => {
      if (opened === worker) fail()
    }
    worker = opened
    say(opened, { type: 'open', home: home.id, pairedAt: home.pairedAt })
    return opened
  }

  function fail(): void {
    worker?.terminate()
    worker = null
    if (isSecond) {
      isSecond = false
      drop(new SearchFailed('The search went down twice.'))
      return
    }
    isSecond = true
    const again = open()
    if (asked) say(again, asked.message)
  }

  function drop(error: Error): void {
    asked?.reject(error)
    asked = null
  }

  open()
  return {
    search: (query, limit) =>
      new Promise((resolve, reject) => {
        drop(new SearchSuperseded('Another query was asked.'))
        const message = { type: 'search', id: ++lastId, query, limit } as const
        asked = { message, resolve, reject }
        say(worker ?? open(), message)
      }),
    touched: (chats, erased) => {
      // One that is down looks at everything when it comes back.
      if (worker) say(worker, { type: 'touched', chats, erased })
    },
    close: () => {
      worker?.terminate()
      worker = null
      drop(new SearchSuperseded('The search was closed.'))
    },
  }
}

function say(worker: WorkerLike, message: ToWorker): void {
  worker.postMessage(message)
}
