import { scriptAddress } from '../release/scriptAddress'
import { type SearchClient, searchClient } from './client'
import address from './worker.ts?worker&url'

/** Starts the search over what this device keeps of a home. To be closed when the home is left. */
export function openSearch(home: { readonly id: string; readonly pairedAt: number }): SearchClient {
  return searchClient(
    home,
    () => new Worker(scriptAddress(address), { type: 'module', name: 'search' }),
  )
}
