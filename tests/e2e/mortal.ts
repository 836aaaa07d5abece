/** A Hearth whose PC's part can be killed at any moment and started again at once. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort, PairCommand } from './hearth.ts'
import { Introducer } from './introducer.ts'
import { environment, python, ROOT } from './roads/places.ts'

/** An event of the PC's log, as far as tests look at it. */
export interface Logged {
  readonly type: string
  readonly chat?: string
  readonly message?: string
  readonly answer?: string
  readonly text?: string
  readonly reason?: string
}

/**
 * The VDS and the PC's part without what starts them again, so that a test decides when it dies. The
 * model counts aloud: see `counting_home.py`.
 */
export class MortalHearth {
  hasDevices = false
  private home: ChildProcess | null = null

  private constructor(
    private readonly introducer: Introducer,
    readonly data: string,
    private readonly settings: Record<string, string>,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<MortalHearth> {
    const data = await mkdtemp(join(tmpdir(), 'hearth-mortal-'))
    const [port, localPort] = [await freePort(), await freePort()]
    const own: Record<string, string> = {
      HEARTH_DATA: data,
      HEARTH_PORT: String(port),
      HEARTH_LOCAL_PORT: String(localPort),
      HEARTH_LAN_PORT: '0',
      HEARTH_DEVICE: 'cpu',
      ...settings,
    }
    const introducer = await Introducer.start({
      HEARTH_PORT: String(port),
      HEARTH_HOME_KEYS: tell(['-m', 'gpu_peer', 'identity'], own).trim(),
      HEARTH_LOCAL_HOME: `http://localhost:${String(localPort)}`,
    })
    const hearth = new MortalHearth(introducer, data, own)
    await hearth.revive()
    return hearth
  }

  get url(): string {
    return this.introducer.url
  }

  /** Starts the PC's part, and waits until it takes connections. */
  async revive(): Promise<void> {
    const script = join(import.meta.dirname, 'roads/counting_home.py')
    const child = spawn(python, [script], {
      cwd: ROOT,
      env: environment(this.settings),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.home = child
    const lines: string[] = []
    await new Promise<void>((ready, failed) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          lines.push(line)
          if (line.includes('"event": "ready"')) ready()
        })
      }
      child.once('close', () => {
        failed(new Error(`The PC's part ended:\n${lines.join('\n')}`))
      })
    })
  }

  /** It is gone between two instructions, as when the power goes; its disk keeps what it had. */
  async kill(): Promise<void> {
    const child = this.home
    if (!child) return
    this.home = null
    const ended = new Promise((done) => child.once('close', done))
    child.kill('SIGKILL')
    await ended
  }

  /** Runs `python -m gpu_peer pair` as a person at the PC does. */
  pair(...options: string[]): PairCommand {
    const words = ['-m', 'gpu_peer', 'pair', ...options]
    return new PairCommand(spawn(python, words, { cwd: ROOT, env: environment(this.settings) }))
  }

  /** Runs another command of `python -m gpu_peer`, to its end. */
  command(...words: string[]): string {
    return tell(['-m', 'gpu_peer', ...words], this.settings)
  }

  /** All events in the PC's log that there still are, in order. */
  log(): Logged[] {
    const script = join(import.meta.dirname, 'log_of.py')
    return JSON.parse(tell([script, join(this.data, 'gpu_peer')], this.settings)) as Logged[]
  }

  async dispose(): Promise<void> {
    await this.kill()
    await this.introducer.dispose()
    await rm(this.data, { recursive: true, force: true })
  }
}

function tell(words: readonly string[], settings: Record<string, string>): string {
  return execFileSync(python, words, {
    cwd: ROOT,
    env: environment(settings),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
