/** Which road a page takes to the PC, where a test is about one. */
import { type BrowserContext, expect } from '@playwright/test'
import type { Person } from './person.ts'
import { words } from './words.ts'

/** Settings of a Hearth that devices reach with no server between only by the socket on the PC itself. */
export const withoutLan = { HEARTH_LAN_PORT: '0' }

/**
 * Has the browser find nothing at the socket of the PC, as on any other machine. Together with
 * `withoutLan` the road that the VDS introduces is left alone.
 */
export async function isElsewhere(context: BrowserContext): Promise<BrowserContext> {
  await context.routeWebSocket(/\/channel$/, (socket) => socket.close())
  return context
}

/**
 * Holds back what the VDS says to the browser until the function that is returned is called. A road
 * that it introduces may be there first, and then the one on the PC itself is not tried again.
 */
export async function holdVds(context: BrowserContext): Promise<() => void> {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  await context.routeWebSocket(/\/api\/signaling$/, (socket) => {
    const vds = socket.connectToServer()
    vds.onMessage((message) => void released.then(() => socket.send(message)))
  })
  return release
}

export async function onThisPc({ badge }: Person): Promise<void> {
  await expect(badge).toContainText(words.road.local!)
}

/** Connected by the introduction of the VDS, where there is no other road but that on the PC itself. */
export async function introduced({ badge }: Person): Promise<void> {
  const { lan, p2p, relay, signaled } = words.road
  await expect(badge).toContainText(new RegExp(`: (${[lan, p2p, relay, signaled].join('|')})`))
}
