/** The parts on a VDS: the signaling server with the app, nginx before it, and the relay. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { signApp, DIST } from '../release.ts'
import type { Authority } from './authority.ts'
import { Front } from './front.ts'
import { type Neighbourhood, RELAY_NAME, VDS_NAME } from './map.ts'
import { python } from './places.ts'
import { Program } from './program.ts'

export const ORIGIN = `https://${VDS_NAME}`
const PORT = '8080'
/** Tests come and go more often than people. */
const unlimited = ['LOGIN_FAILURES_PER_ACCOUNT', 'REGISTRATIONS_PER_HOUR', 'REQUESTS_PER_SESSION']

export interface VdsOptions {
  /** Of the home that is admitted. */
  homeKey: string
  /** @default true */
  webSockets?: boolean
  /**
   * On which port the relay takes TLS; null where there is no relay.
   * @default 5349
   */
  relayTlsPort?: number | null
}

export class Vds {
  private constructor(
    private readonly programs: readonly Program[],
    private readonly front: Front,
  ) {}

  static async start(
    map: Neighbourhood,
    folder: string,
    authority: Authority,
    { homeKey, webSockets = true, relayTlsPort = 5349 }: VdsOptions,
  ): Promise<Vds> {
    const app = join(folder, 'app')
    mkdirSync(folder, { recursive: true })
    await signApp(join(folder, 'release-key.pem'), DIST, app)
    const { vds, relay } = map.addresses
    const tls = authority.sign(VDS_NAME, RELAY_NAME)
    const shared: Record<string, string> = { HEARTH_DATA: folder }
    if (relayTlsPort !== null) {
      Object.assign(shared, {
        HEARTH_TURN_NAME: RELAY_NAME,
        HEARTH_TURN_HOST: relay,
        HEARTH_TURN_ADDRESSES: relay,
        HEARTH_TURN_TLS_PORT: String(relayTlsPort),
        HEARTH_TURN_CERTIFICATE: tls.certificate,
        HEARTH_TURN_KEY: tls.key,
      })
    }
    const settings: Record<string, string> = {
      ...shared,
      HEARTH_HOST: '127.0.0.1',
      HEARTH_PORT: PORT,
      HEARTH_ORIGIN: ORIGIN,
      HEARTH_PWA: app,
      HEARTH_HOME_KEYS: homeKey,
      HEARTH_TRUSTED_PROXIES: '127.0.0.1',
      ...Object.fromEntries(unlimited.map((name) => [`HEARTH_LIMIT_${name}`, '10000'])),
    }
    const start = (part: string, given: Record<string, string>) =>
      Program.start(map.vds, [python, '-m', part], given, '"event": "listening"')
    const parts = [start('signaling', settings)]
    if (relayTlsPort !== null) parts.push(start('turn', shared))
    const programs = await Promise.all(parts)
    const upstream = `127.0.0.1:${PORT}`
    const options = { address: vds, upstream, webSockets }
    return new Vds(programs, new Front(map.vds, join(folder, 'nginx'), tls, options))
  }

  /** What the parts have said. */
  get lines(): string[] {
    return this.programs.flatMap(({ lines }) => lines)
  }

  /** All of it is gone at once, as when the machine is. */
  async die(): Promise<void> {
    this.front.stop()
    await Promise.all(this.programs.map((program) => program.stop('SIGKILL')))
  }
}
