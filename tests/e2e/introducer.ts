/** The VDS alone, with the built app and no PC: enough for accounts, and up in a moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, type Page } from '@playwright/test'
import { freePort } from './hearth.ts'
import { DIST, signApp } from './release.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const python = process.env.HEARTH_TEST_PYTHON ?? join(ROOT, '.venv/bin/python')

export class Introducer {
  private constructor(
    readonly url: string,
    private readonly data: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Introducer> {
    if (!existsSync(DIST)) throw new Error('The app is not built. Run the tests by scripts/test e2e.')
    const port = Number(settings.HEARTH_PORT ?? (await freePort()))
    const data = await mkdtemp(join(tmpdir(), 'hearth-vds-'))
    const app = join(data, 'app')
    await signApp(join(data, 'release-key.pem'), DIST, app)
    const child = spawn(python, ['-m', 'signaling'], {
      cwd: ROOT,
      env: {
        ...process.env,
        HEARTH_DATA: data,
        HEARTH_PORT: String(port),
        HEARTH_PWA: app,
        ...settings,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await listening(child)
    return new Introducer(`http://localhost:${port}`, data, child)
  }

  async dispose(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((done) => this.process.once('close', done))
      this.process.kill('SIGTERM')
      await ended
    }
    await rm(this.data, { recursive: true, force: true })
  }
}

function listening(child: ChildProcess): Promise<void> {
  const lines: string[] = []
  return new Promise((done, failed) => {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      lines.push(line)
      if (line.includes('"event": "listening"')) done()
    })
    child.once('error', failed)
    child.once('close', (code) => {
      failed(new Error(`python -m signaling ended with ${code}:\n${lines.join('\n')}`))
    })
  })
}

/** Waits until the VDS has let the page in; without a PC, that leads to pairing. */
export async function admitted(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { name: 'Pair with your PC' })).toBeVisible()
}
