/** The replicas of a browser: in IndexedDB, with a channel between the tabs that share one. */
import { result } from '../storage/requests'
import { type Databases, openReplica, replicaName } from '../storage/replicaDatabase'
import { browserBroadcast } from './broadcast'
import { unpack } from './unpack'

export function browserReplicas(databases: () => Databases) {
  return {
    open: (home: string, pairedAt: number) =>
      openReplica(databases, home, pairedAt).catch(() => null),
    async drop(home: string): Promise<void> {
      for (const name of [replicaName(home), `hearth.search.${home}`]) {
        try {
          await result(databases().indexedDB.deleteDatabase(name))
        } catch {
          // A browser that keeps nothing has nothing to delete.
        }
      }
    },
    broadcast: (home: string) => browserBroadcast(replicaName(home)),
    unpack,
  }
}
