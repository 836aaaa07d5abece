/**
 * Takes an invitation out of the address before anything else can see it there: the history, a `next=`
 * of the log-in, a bookmark. Comes before the router, which reads the address as it is left here.
 */
import { isLoopback } from './net/localHome'
import type { TabStorage } from './storage/tab'

export interface Page {
  location: Pick<Location, 'pathname' | 'hash' | 'hostname'>
  history: Pick<History, 'state' | 'replaceState'>
  addEventListener(type: 'popstate', listener: () => void): void
}

export type Keep = (fragment: string, automatic: boolean) => void

/** Does so now, and whenever a link leads to the page that is open already. */
export function catchFragments(page: Page, tab: TabStorage, keep: Keep): void {
  const isBack = tab.trip() === 'away'
  if (isBack) tab.keepTrip('back')
  // What comes later was clicked: only the way back from the PC's own door goes without a question.
  take(page, keep, isBack && isLoopback(page.location.hostname))
  page.addEventListener('popstate', () => {
    take(page, keep, false)
  })
}

function take({ location, history }: Page, keep: Keep, automatic: boolean): void {
  if (!/^\/pair\/?$/.test(location.pathname) || !location.hash) return
  const { hash } = location
  history.replaceState(history.state, '', '/pair')
  keep(hash, automatic)
}
