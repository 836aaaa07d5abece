/** The search in a worker of its own: everything that it needs of the browser is in this file. */
import { readReplica } from '../storage/replicaDatabase'
import { indexName, openIndex } from './kept'
import type { ToWorker } from './protocol'
import { serve } from './serve'

const longestRestMs = 2_000
const { port1, port2 } = new MessageChannel()
/** There are two for a moment when another tab's index is taken over. */
const paused: (() => void)[] = []
port2.onmessage = () => paused.shift()?.()

const take = serve({
  openReplica: (home, pairedAt) => readReplica(() => ({ indexedDB, IDBKeyRange }), home, pairedAt),
  openIndex: (home) => openIndex(indexedDB, indexName(home)),
  holdPen: (home, wait) =>
    new Promise((resolve, reject) => {
      const held = (lock: Lock | null) => {
        resolve(lock !== null)
        // Until this worker ends.
        return lock && new Promise(() => undefined)
      }
      navigator.locks.request(indexName(home), { ifAvailable: !wait }, held).catch(reject)
    }),
  now: () => performance.now(),
  wallClock: () => Date.now(),
  // A message to itself waits behind those of the page, and unlike a timer no 4 ms.
  pause: () =>
    new Promise((resolve) => {
      paused.push(resolve)
      port1.postMessage(null)
    }),
  rest: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, longestRestMs))),
  say: (message) => postMessage(message),
})

onmessage = ({ data }: MessageEvent<ToWorker>) => take(data)
