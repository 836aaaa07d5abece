/** A phone: Chromium on a host of its own, with a profile that stays when it is closed. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserContext, chromium } from '@playwright/test'
import tests from '../playwright.config.ts'
import type { Host } from './hosts.ts'
import { environment } from './places.ts'
import { keepLines } from './truth.ts'

const { executablePath, args } = tests.use!.launchOptions!

export class Phone {
  private context: BrowserContext | null = null
  private readonly program: string

  constructor(
    host: Host,
    private readonly home: string,
    /** A PEM file: whom it trusts to vouch for names; nobody where there is none. */
    authority?: string,
  ) {
    const known = join(home, '.pki/nssdb')
    mkdirSync(known, { recursive: true })
    certutil('-N', '-d', `sql:${known}`, '--empty-password')
    if (authority) certutil('-A', '-d', `sql:${known}`, '-n', 'test', '-t', 'C,,', '-i', authority)
    this.program = join(home, 'chromium')
    const words = host.command([executablePath!]).map((word) => `'${word}'`)
    writeFileSync(this.program, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`)
    chmodSync(this.program, 0o755)
  }

  /** Opens the browser, as it was left. */
  async open(): Promise<BrowserContext> {
    const env = environment({ HOME: this.home }) as Record<string, string>
    this.context = await chromium.launchPersistentContext(join(this.home, 'profile'), {
      executablePath: this.program,
      args: args!,
      env,
      locale: 'en-US',
      viewport: { width: 412, height: 823 },
    })
    await keepLines(this.context)
    return this.context
  }

  async close(): Promise<void> {
    await this.context?.close()
    this.context = null
  }
}

function certutil(...words: string[]): void {
  execFileSync('certutil', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}
