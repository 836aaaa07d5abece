/** The engine in a browser: its replica in IndexedDB, a channel between the tabs that share one. */
import { type Broadcast, browserBroadcast } from '../storage/broadcast'
import { type Databases, openReplica, replicaName } from '../storage/replicaDatabase'
import { result } from '../storage/requests'
import { type EngineNeeds, SyncEngine } from './engine'
import { unpack } from './unpack'

/** A home that this browser is paired with. */
export interface Home {
  readonly id: string
  readonly pairedAt: number
}

export interface ChatSync {
  engine(home: Home, needs: Omit<EngineNeeds, 'storage' | 'broadcast' | 'unpack'>): SyncEngine
  /** Deletes what this browser keeps of a home's chats, and what was made from it. */
  drop(home: string): Promise<void>
}

export function browserSync(
  databases: () => Databases,
  makeBroadcast: (name: string) => Broadcast = browserBroadcast,
): ChatSync {
  return {
    engine: ({ id, pairedAt }, needs) =>
      new SyncEngine({
        ...needs,
        storage: () => openReplica(databases, id, pairedAt),
        // A tab of before it was paired anew is not of this outbox.
        broadcast: makeBroadcast(`${replicaName(id)} ${String(pairedAt)}`),
        unpack,
      }),
    async drop(home) {
      for (const name of [replicaName(home), `hearth.search.${home}`]) {
        try {
          await result(databases().indexedDB.deleteDatabase(name))
        } catch {
          // A browser that keeps nothing has nothing to delete.
        }
      }
    },
  }
}
