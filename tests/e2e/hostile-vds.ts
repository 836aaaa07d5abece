/** A VDS that means harm, between the browser and a real one: `tests/hostile/vds.py`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

export const ROOT = resolve(import.meta.dirname, '../..')
export const python = process.env.HEARTH_TEST_PYTHON ?? join(ROOT, '.venv/bin/python')

export type Mode = 'honest' | 'swap' | 'edit-fingerprint' | 'own-home'

export interface Heard {
  way: 'to_home' | 'to_device'
  type: string
  /** Whether it is a word of a chat, which nobody in between may ever hear. */
  chat: boolean
}

export class HostileVds {
  /** What it could read on data channels that end at it. */
  readonly heard: Heard[] = []

  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
  ) {}

  /** Listens on `port` and passes things on to the VDS on `upstream`, in its own manner. */
  static async start(port: number, upstream: number, mode: Mode): Promise<HostileVds> {
    const words = ['--port', String(port), '--upstream', String(upstream), '--mode', mode]
    const child = spawn(python, ['-m', 'tests.hostile.vds', ...words], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const vds = new HostileVds(`http://localhost:${port}`, child)
    await new Promise<void>((done, failed) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const said = JSON.parse(line) as Heard & { event: 'listening' | 'heard' }
        if (said.event === 'listening') done()
        else vds.heard.push(said)
      })
      child.once('error', failed)
      child.once('close', (code) => failed(new Error(`the hostile VDS ended with ${code}`)))
    })
    return vds
  }

  /** The types of what a device said to it. */
  get fromDevice(): string[] {
    return this.heard.filter(({ way }) => way === 'to_home').map(({ type }) => type)
  }

  get chat(): Heard[] {
    return this.heard.filter(({ chat }) => chat)
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = new Promise((done) => this.process.once('close', done))
    this.process.kill('SIGTERM')
    await ended
  }
}
