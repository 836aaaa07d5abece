/** Relays for tests, ours and Debian's coturn, both by the same settings; and their credentials. */
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from './authority.ts'
import { type Neighbourhood, RELAY_NAME } from './map.ts'
import { environment, python, ROOT } from './places.ts'
import { Program } from './program.ts'

export type RelayKind = 'ours' | 'coturn'
export type RelayTransport = 'udp' | 'tcp' | 'tls'

export class Relay {
  private constructor(private readonly secret: string) {}

  static async start(
    kind: RelayKind,
    map: Neighbourhood,
    folder: string,
    tls: Certificate,
  ): Promise<Relay> {
    mkdirSync(folder, { recursive: true })
    const secretFile = join(folder, 'secret')
    const address = map.addresses.relay
    const settings = {
      HEARTH_DATA: folder,
      HEARTH_TURN_NAME: RELAY_NAME,
      HEARTH_TURN_HOST: address,
      HEARTH_TURN_ADDRESSES: address,
      HEARTH_TURN_CERTIFICATE: tls.certificate,
      HEARTH_TURN_KEY: tls.key,
      HEARTH_TURN_SECRET_FILE: secretFile,
    }
    const turn = [python, '-m', 'turn']
    if (kind === 'ours') {
      await Program.start(map.vds, turn, settings, '"event": "listening"')
    } else {
      const options = { cwd: ROOT, env: environment(settings), encoding: 'utf8' } as const
      const configuration = join(folder, 'turnserver.conf')
      writeFileSync(configuration, execFileSync(python, ['-m', 'turn', 'coturn'], options))
      const files = ['--pidfile', join(folder, 'pid'), '--db', join(folder, 'turndb')]
      const words = ['turnserver', '-c', configuration, '--log-file', 'stdout', ...files]
      await Program.start(map.vds, words, {}, 'SQLite DB connection success')
    }
    return new Relay(readFileSync(secretFile, 'utf8').trim())
  }

  /** A server for a browser, with credentials for the next ten minutes (TURN REST). */
  server(transport: RelayTransport): { urls: string; username: string; credential: string } {
    const username = `${String(Math.floor(Date.now() / 1000) + 600)}:test`
    const credential = createHmac('sha1', this.secret).update(username).digest('base64')
    const urls = {
      udp: `turn:${RELAY_NAME}:3478?transport=udp`,
      tcp: `turn:${RELAY_NAME}:3478?transport=tcp`,
      tls: `turns:${RELAY_NAME}:5349?transport=tcp`,
    }[transport]
    return { urls, username, credential }
  }
}
