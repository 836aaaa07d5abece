/** The page's side of the service worker: what it says of the app's releases, and of its own end. */
import { scriptAddress } from '../release/scriptAddress'
import type { Request, Status, Told } from '../release/status'

export interface ReleaseWorker {
  /** Installs the worker if need be and looks for an update, now and each hour. */
  start(heard: Heard): Promise<void>
  /** Puts the release that is ready into use, and loads the page anew. */
  apply(): Promise<void>
}

export interface Heard {
  status: (status: Status | null) => void
  /** Another worker is installed that the one here did not approve: the next start may be its own. */
  replaced: () => void
}

export interface Surroundings {
  container: ServiceWorkerContainer | undefined
  every: (ms: number, action: () => void) => void
  reload: () => void
}

const address = '/sw.js'
const hourMs = 3_600_000
const patienceMs = 60_000
const settled: ServiceWorkerState[] = ['installed', 'activating', 'activated']

export function releaseWorker({ container, every, reload }: Surroundings): ReleaseWorker {
  let registration: ServiceWorkerRegistration | null = null
  /** The worker that this page believes: a newer one is believed by the next page only. */
  let believed: ServiceWorker | null = null
  let isApproved = true

  async function start(heard: Heard): Promise<void> {
    if (!container) return
    const hadController = container.controller !== null
    believed = container.controller
    container.addEventListener('message', ({ source, data }: MessageEvent<Told>) => {
      if (source === believed && data.type === 'release') heard.status(data.status)
    })
    container.addEventListener('controllerchange', () => {
      if (hadController && !isApproved) heard.replaced()
    })
    registration = await container.register(scriptAddress(address), { updateViaCache: 'none' })
    registration.addEventListener('updatefound', () => void examine())
    const installing = hadController ? null : registration.installing
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'redundant') heard.status(null)
    })
    believed ??= (await container.ready).active
    heard.status(await ask('status'))
    // It may have come before this page could listen.
    if (hadController && (registration.installing ?? registration.waiting)) void examine()
    every(hourMs, () => void ask('check').then(heard.status))
    heard.status(await ask('check'))

    /**
     * Another worker is coming: the one that is here says whether it was signed. One of ours would
     * refuse to be installed; one that is installed all the same is not of ours.
     */
    async function examine(): Promise<void> {
      if (!believed) return
      const coming = registration?.installing ?? registration?.waiting
      isApproved = false
      let status = await ask('check')
      heard.status(status)
      isApproved = status?.isRefused === false
      const warn = async () => {
        if (!coming || !settled.includes(coming.state)) return
        // On a slow line there was no time to get every file. One of ours has got them by now.
        status ??= await ask('check')
        isApproved = status?.isRefused === false
        if (!isApproved) heard.replaced()
      }
      coming?.addEventListener('statechange', () => void warn())
      await warn()
    }
  }

  async function ask(type: Request['type']): Promise<Status | null> {
    const { port1, port2 } = new MessageChannel()
    const answer = new Promise<Status | null>((resolve) => {
      port1.onmessage = ({ data }: MessageEvent<Told>) => resolve(data.status)
      setTimeout(() => resolve(null), patienceMs)
    })
    const request: Request = { type }
    believed?.postMessage(request, [port2])
    return answer.finally(() => port1.close())
  }

  async function apply(): Promise<void> {
    await ask('apply')
    if (registration?.waiting && container) {
      const request: Request = { type: 'takeOver' }
      const changed = new Promise((resolve) => {
        container.addEventListener('controllerchange', resolve, { once: true })
      })
      registration.waiting.postMessage(request)
      await changed
    }
    reload()
  }

  return { start, apply }
}
