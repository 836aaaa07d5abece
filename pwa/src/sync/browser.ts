/** The engine in a browser: its replica in IndexedDB, a channel between the tabs that share one. */
import { type Databases, openReplica, replicaName } from '../storage/replicaDatabase'
import { result } from '../storage/requests'
import { type Broadcast, browserBroadcast } from './broadcast'
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
        broadcast: makeBroadcast(replicaName(id)),
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
