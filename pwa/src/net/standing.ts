import type { Connection } from './connection'
import { lineNames } from './tables'

/** What the badge says. */
export type Standing = 'connected' | 'connecting' | 'pc_offline' | 'offline'

/** @param online what the browser says of its own network: only its 'no' can be believed */
export function standing({ socket, lines, link }: Connection, online: boolean): Standing {
  if (link.state !== 'none') return 'connected'
  if (!online || socket.state === 'off') return 'offline'
  const isHopeful = lineNames.some((name) => {
    const { state, failures } = lines[name]
    return answered.has(state) || (state === 'dialing' && failures === 0)
  })
  if (isHopeful) return 'connecting'
  if (socket.state === 'ready') {
    const { state, failures } = lines.signaled
    return state === 'alone' || failures >= 3 ? 'pc_offline' : 'connecting'
  }
  return socket.failures === 0 ? 'connecting' : 'offline'
}

const answered = new Set(['proving', 'greeting', 'asking', 'up'])
