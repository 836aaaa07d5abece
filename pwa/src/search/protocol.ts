/** Between the page and the worker of the search. */
import type { SearchResult } from './types'

export type ToWorker =
  | { readonly type: 'open'; readonly home: string; readonly pairedAt: number }
  | {
      readonly type: 'search'
      readonly id: number
      readonly query: string
      readonly limit: number
    }
  | { readonly type: 'touched'; readonly chats: readonly string[]; readonly erased: readonly string[] }

export type FromWorker =
  | { readonly type: 'found'; readonly id: number; readonly result: SearchResult }
  /** Nothing more comes from this worker. */
  | { readonly type: 'broken' }
