/** The service worker. It names no release, so that it changes only when this code does. */
import type { Request as Asked, Told } from '../release/status'
import { downloadFile } from './download'
import { answer } from './serve'
import { Store } from './store'
import { Updater } from './updater'

declare const self: ServiceWorkerGlobalScope

const store = new Store(caches)
const fetchIt = (address: string, options: RequestInit) => fetch(address, options)
const updater = new Updater({
  store,
  fetch: fetchIt,
  now: () => Date.now(),
  exclusive: (work) => navigator.locks.request('hearth-release', work),
})

self.addEventListener('install', (event) => {
  event.waitUntil(updater.install())
})

self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([forgetFormer(), self.clients.claim()]))
})

self.addEventListener('fetch', (event) => {
  event.respondWith(respond(event.request))
})

self.addEventListener('message', (event) => {
  const { type } = event.data as Asked
  event.waitUntil(heed(type, event.ports[0]))
})

/** What an app of before kept, which nothing verified. */
async function forgetFormer(): Promise<void> {
  const former = (await caches.keys()).filter((name) => name.startsWith('workbox-'))
  await Promise.all(former.map((name) => caches.delete(name)))
}

async function respond(request: Request): Promise<Response> {
  if (request.mode === 'navigate' && (await self.clients.matchAll({ type: 'window' })).length === 0) {
    await updater.promote()
  }
  const { current, previous } = await store.read()
  const file = current ? answer(request, self.location.origin, [current, previous]) : 'network'
  if (file === 'network') return fetch(request)
  if (file === 'nothing') return new Response(null, { status: 404 })
  // A browser short of space may have dropped it.
  return (await store.find(file)) ?? downloadFile(fetchIt, file).catch(() => Response.error())
}

async function heed(type: Asked['type'], port: MessagePort | undefined): Promise<void> {
  if (type === 'check') await updater.check()
  else if (type === 'apply') await updater.promote()
  else if (type === 'takeOver') await self.skipWaiting()
  const told: Told = { type: 'release', status: await updater.status() }
  port?.postMessage(told)
  if (type === 'status') return
  for (const client of await self.clients.matchAll({ type: 'window' })) client.postMessage(told)
}
