/** A whole Hearth for a test: `scripts/run` with a data folder and a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from '@playwright/test'

const ROOT = resolve(import.meta.dirname, '../..')
const PYTHON = join(ROOT, '.venv/bin/python')

export interface HearthOptions {
  /** @default a free one */
  port?: number
  /** Settings of `.env.universal` beside the folder and the port. */
  settings?: Record<string, string>
  /**
   * Makes the command that runs a program where Hearth is to be.
   * @default on this machine
   */
  on?: (words: string[]) => string[]
}

export class Hearth {
  readonly lines: string[] = []
  /** Whether a browser was paired here: only the first one is paired by itself. */
  hasDevices = false

  private constructor(
    readonly port: number,
    readonly data: string,
    private readonly process: ChildProcess,
  ) {}

  /** The address a person opens. */
  get url(): string {
    return `http://localhost:${this.port}`
  }

  /** Starts everything and waits for the ready line. */
  static async start(options: HearthOptions = {}): Promise<Hearth> {
    const port = options.port ?? (await freePort())
    const data = await mkdtemp(join(tmpdir(), 'hearth-e2e-'))
    const words = [join(ROOT, 'scripts/run')]
    const [program, ...rest] = options.on?.(words) ?? words
    const child = spawn(program!, rest, {
      cwd: ROOT,
      env: {
        ...process.env,
        HEARTH_DATA: data,
        HEARTH_PORT: String(port),
        HEARTH_MODEL: testModel(),
        ...options.settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const hearth = new Hearth(port, data, child)
    await hearth.ready()
    return hearth
  }

  /** Ends everything with SIGTERM and gives the time it took, in seconds. */
  async stop(): Promise<number> {
    const started = performance.now()
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((done) => this.process.once('close', done))
      this.process.kill('SIGTERM')
      await ended
    }
    return (performance.now() - started) / 1000
  }

  async dispose(): Promise<void> {
    await this.stop()
    await rm(this.data, { recursive: true, force: true })
  }

  /** Runs `python -m gpu_peer pair` as a person at the PC does. */
  pair(...options: string[]): PairCommand {
    const environment = { HEARTH_DATA: this.data, HEARTH_PORT: String(this.port) }
    return new PairCommand(
      spawn(PYTHON, ['-m', 'gpu_peer', 'pair', ...options], {
        cwd: ROOT,
        env: { ...process.env, PYTHONUNBUFFERED: '1', ...environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    )
  }

  /** The process ids of `python -m <module>` of this Hearth. */
  processes(module: string): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && this.isOurs(name, module))
      .map(Number)
  }

  /** What the parts wrote into their logs. */
  logs(): string {
    const folder = join(this.data, 'logs')
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n')
  }

  private isOurs(pid: string, module: string): boolean {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
      return command.includes(module) && environment.includes(`HEARTH_DATA=${this.data}`)
    } catch {
      return false // it ended while we looked
    }
  }

  private async ready(): Promise<void> {
    let told = false
    await new Promise<void>((done, failed) => {
      for (const stream of [this.process.stdout!, this.process.stderr!]) {
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line)
          if (line === `Hearth is ready: ${this.url}`) {
            told = true
            done()
          }
        })
      }
      this.process.once('close', (code) => {
        if (!told) failed(new Error(`scripts/run ended with ${code}:\n${this.lines.join('\n')}`))
      })
    })
  }
}

/** The command that invites a device, while it runs. */
export class PairCommand {
  output = ''
  /** Its exit code. */
  readonly ended: Promise<number | null>

  constructor(private readonly process: ChildProcess) {
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
    this.ended = new Promise((done) => process.once('close', done))
  }

  /** Waits until it shows a code of so many groups of four. */
  async code(groups: 2 | 4 = 4): Promise<string> {
    const shown = new RegExp(`^ +((?:[0-9A-Z]{4}-){${String(groups - 1)}}[0-9A-Z]{4})\\s*$`, 'm')
    await expect.poll(() => this.output, { timeout: 20_000 }).toMatch(shown)
    return shown.exec(this.output)![1]!
  }

  answer(line: string): void {
    this.process.stdin!.write(`${line}\n`)
  }

  /** Ctrl+C. */
  interrupt(): void {
    this.process.kill('SIGINT')
  }
}

/** A model folder that the tests share, so that each start need not convert it anew. */
function testModel(): string {
  const folder = process.env.HEARTH_TEST_MODEL
  if (!folder) throw new Error('HEARTH_TEST_MODEL is not set. Run the tests by scripts/test e2e.')
  return folder
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  await new Promise((done) => server.close(done))
  return address.port
}
