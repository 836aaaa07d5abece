/** What the results of a check mean, in one word that the app has a sentence for. */
import type { RoadLine, RoadResults } from './check'

/**
 * `all`: in the PC's network, and the server sees it too. `unseen`: in the PC's network, but the
 * server does not see the PC. `home`: in the PC's network, without a server. `away`: from elsewhere,
 * straight. `relayed`: from elsewhere, through the relay. `stuck`: the PC is on, and there is no way
 * to it from here. `pc_off`: the server answers, and nobody else. `nothing` answers.
 */
export type Verdict =
  | 'all'
  | 'unseen'
  | 'home'
  | 'away'
  | 'relayed'
  | 'stuck'
  | 'pc_off'
  | 'nothing'

export function verdict(results: RoadResults): Verdict {
  const works = (...lines: RoadLine[]) => lines.some((line) => results[line]?.state === 'ok')
  if (works('lan')) {
    if (!works('vds')) return 'home'
    return results.pc?.state === 'no' ? 'unseen' : 'all'
  }
  if (!works('vds')) return 'nothing'
  if (!works('pc')) return 'pc_off'
  if (works('p2p')) return 'away'
  return works('relay_udp', 'relay_tcp', 'relay_tls') ? 'relayed' : 'stuck'
}
