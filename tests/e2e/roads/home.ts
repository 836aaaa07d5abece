/** The PC's part, with a model that counts aloud. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { PairCommand } from '../hearth.ts'
import type { Host } from './hosts.ts'
import { environment, python, ROOT } from './places.ts'
import { Program } from './program.ts'
import { ORIGIN } from './vds.ts'

export class Home {
  private readonly settings: Record<string, string>
  private program: Program | null = null

  constructor(
    private readonly host: Host,
    private readonly folder: string,
    /** A PEM file: whom it trusts to vouch for the VDS's name. */
    authority: string,
  ) {
    this.settings = {
      HEARTH_DATA: folder,
      HEARTH_ORIGIN: ORIGIN,
      HEARTH_SIGNALING: ORIGIN,
      HEARTH_DEVICE: 'cpu',
      SSL_CERT_FILE: authority,
    }
  }

  /** Its public key, which is made by the first call. */
  key(): string {
    return this.tell(['-m', 'gpu_peer', 'identity']).trim()
  }

  /** Starts it, and waits until the VDS has welcomed it. */
  async start(): Promise<void> {
    const script = join(import.meta.dirname, 'counting_home.py')
    this.program = await Program.start(this.host, [python, script], this.settings, '"event": "ready"')
  }

  get lines(): readonly string[] {
    return this.program?.lines ?? []
  }

  /** Does something to its network, and waits until the VDS has welcomed it again. */
  async afterReturn(change: () => void): Promise<void> {
    await this.after(change, 'signaling_back')
  }

  /** Does something to its network, and waits until it has told its name there anew. */
  async afterNaming(change: () => void): Promise<void> {
    await this.after(change, 'lan_name_ready')
  }

  /** Runs `python -m gpu_peer pair` as a person at the PC does. */
  pair(...options: string[]): PairCommand {
    const words = [python, '-m', 'gpu_peer', 'pair', ...options]
    return new PairCommand(
      this.host.start(words, { cwd: ROOT, env: environment(this.settings) }),
    )
  }

  /** The texts of the answers that have ended, as they are in its log, oldest first. */
  answers(): string[] {
    const script = join(import.meta.dirname, 'answers_of.py')
    return JSON.parse(this.tell([script, join(this.folder, 'gpu_peer')])) as string[]
  }

  private async after(change: () => void, event: string): Promise<void> {
    const line = `"event": "${event}"`
    const before = this.program!.count(line)
    change()
    await this.program!.says(line, before + 1)
  }

  private tell(words: readonly string[]): string {
    return execFileSync(python, words, {
      cwd: ROOT,
      env: environment(this.settings),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
}
