/**
 * Chrome's permission to reach devices of the local network ('Local Network Access'). Other browsers
 * have none, or ask at the system's level; there and on the PC itself nothing has to be allowed.
 */
import { isLoopback } from './localHome'

/** The newer name first; a browser throws at a name that it does not know. */
const names = ['local-network', 'local-network-access']

/** `free`: allowed, or nobody asks. `prompt`: the browser will ask at the first try. */
export type LocalNetworkState = 'free' | 'prompt' | 'denied'

export interface LocalNetwork {
  /** Asks the browser, which asks nobody by this. Tells of each change until `stop`. */
  follow(changed: (state: LocalNetworkState) => void): () => void
}

export interface LocalNetworkOptions {
  permissions: Pick<Permissions, 'query'> | undefined
  hostname: string
}

export function localNetwork({ permissions, hostname }: LocalNetworkOptions): LocalNetwork {
  async function query(): Promise<PermissionStatus | null> {
    if (isLoopback(hostname)) return null
    for (const name of names) {
      try {
        return (await permissions?.query({ name: name as PermissionName })) ?? null
      } catch {
        continue
      }
    }
    return null
  }

  return {
    follow(changed) {
      let status: PermissionStatus | null = null
      let isOver = false
      const tell = () => changed(stateOf(status))
      void query().then((found) => {
        if (isOver) return
        status = found
        status?.addEventListener('change', tell)
        tell()
      })
      return () => {
        isOver = true
        status?.removeEventListener('change', tell)
      }
    },
  }
}

function stateOf(status: PermissionStatus | null): LocalNetworkState {
  return status?.state === 'prompt' || status?.state === 'denied' ? status.state : 'free'
}
