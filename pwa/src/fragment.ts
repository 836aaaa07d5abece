/**
 * Takes an invitation, or the PC's word for a log-in, out of the address before anything else can see it
 * there: the history, a `next=` of the log-in, a bookmark. Comes before the router, which reads the
 * address as it is left here.
 */
import { isLoopback } from './net/localHome'
import type { TabStorage } from './storage/tab'

export interface Page {
  location: Pick<Location, 'pathname' | 'hash' | 'hostname'>
  history: Pick<History, 'state' | 'replaceState'>
  addEventListener(type: 'popstate', listener: () => void): void
}

export interface Keepers {
  invitation: (fragment: string, automatic: boolean) => void
  logIn: (assertion: string) => void
}

/** Does so now, and whenever a link leads to the page that is open already. */
export function catchFragments(page: Page, tab: TabStorage, keepers: Keepers): void {
  const isBack = tab.trip() === 'away'
  if (isBack) tab.keepTrip('back')
  // What comes later was clicked: only the way back from the PC's own door goes without a question.
  take(page, keepers, isBack && isLoopback(page.location.hostname))
  page.addEventListener('popstate', () => {
    take(page, keepers, false)
  })
}

function take({ location, history }: Page, keepers: Keepers, automatic: boolean): void {
  const { pathname, hash, hostname } = location
  const [, page] = /^\/(pair|login)\/?$/.exec(pathname) ?? []
  if (!page || !hash) return
  history.replaceState(history.state, '', `/${page}`)
  if (page === 'pair') keepers.invitation(hash, automatic)
  // Only the PC itself has such a door.
  else if (isLoopback(hostname)) keepers.logIn(hash.slice(1))
}
