/** `scripts/release`: keys, signatures and checks of the built app. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Release } from '../../src/release/manifest'
import { fingerprint } from '../../src/release/verify'
import { ReleaseError } from './errors'
import { isKey, makeKey, publicHex, readKey } from './key'
import { listFiles } from './listing'
import { withRebuild } from './rebuild'
import { publish } from './sign'
import { differences, verifyFolder, verifyServer } from './verify'

const usage = `Say one of:
  scripts/release key                      make a key to sign with
  scripts/release sign [FOLDER]            sign a built app (pwa/dist)
  scripts/release verify FOLDER|ADDRESS    check one against its signature
Options:
  --key FILE      the key to sign with, or the one that must have signed: a file, or hex
  --to FOLDER     sign a copy of the app there
  --first         make the key where there is none yet
  --rebuild       hold the files against a build of these sources`

export async function main(words: string[], app: string, defaultKey: string): Promise<number> {
  try {
    await act(words, app, defaultKey)
    return 0
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

async function act(words: string[], app: string, defaultKey: string): Promise<void> {
  const { positionals, values } = parsed(words)
  const [command, target, ...more] = positionals
  const file = resolve(values.key ?? defaultKey)
  if (more.length) throw new ReleaseError(usage)
  if (command === 'key' && !target) {
    const made = publicHex(makeKey(file))
    say(`Made ${file}. Keep a copy of it where nobody else comes: devices take updates by no other key.`)
    await sayKey(made)
  } else if (command === 'sign') {
    const key = values.first && !isThere(file) ? makeKey(file) : readKey(file)
    const folder = resolve(target ?? join(app, 'dist'))
    const to = values.to === undefined ? undefined : resolve(values.to)
    const release = await publish({ folder, to, key, version: versionOf(app), now: seconds() })
    await sayRelease(release)
  } else if (command === 'verify' && target) {
    await verify(target, values.key, values.rebuild ? app : null)
  } else {
    throw new ReleaseError(usage)
  }
}

async function verify(target: string, key: string | undefined, app: string | null): Promise<void> {
  const address = /^https?:\/\//.test(target) ? new URL(target) : null
  const { release, problems } = await (address ? verifyServer(address) : verifyFolder(resolve(target)))
  if (key !== undefined && !(await isKey(key, release.key))) {
    problems.push(`It is signed by another key: ${await fingerprint(release.key)}.`)
  }
  if (app) {
    const built = await withRebuild(app, {}, listFiles)
    problems.push(...differences(built, release.manifest.files, 'the build of these sources'))
  }
  if (problems.length) throw new ReleaseError(problems.join('\n'))
  await sayRelease(release)
  say(app ? 'Every file is as signed, and as built from these sources.' : 'Every file is as signed.')
  if (key === undefined) say('Compare the key with the one on the settings page of your devices.')
}

function parsed(words: string[]) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        key: { type: 'string' },
        to: { type: 'string' },
        first: { type: 'boolean' },
        rebuild: { type: 'boolean' },
      },
    })
  } catch {
    throw new ReleaseError(usage)
  }
}

async function sayRelease({ manifest, key }: Release): Promise<void> {
  const when = new Date(manifest.issued * 1000).toISOString().slice(0, 19).replace('T', ' ')
  say(`Version ${manifest.version}, ${String(manifest.files.length)} files, signed ${when} UTC.`)
  await sayKey(key)
}

async function sayKey(key: string): Promise<void> {
  say(`Key ${await fingerprint(key)} (${key})`)
}

function isThere(file: string): boolean {
  try {
    readFileSync(file)
    return true
  } catch {
    return false
  }
}

function versionOf(app: string): string {
  return (JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as { version: string }).version
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
