// Writes package-lock.json anew, without addresses: whoever installs uses a registry of their own.
// Made in an empty folder: beside node_modules npm would list only this platform's packages.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lock-'))
const name = 'package-lock.json'

for (const file of ['package.json', '.npmrc']) copyFileSync(join(home, file), join(folder, file))
execFileSync('npm', ['install', '--package-lock-only'], { cwd: folder, stdio: 'inherit' })
const lock = JSON.parse(readFileSync(join(folder, name), 'utf8'))
for (const entry of Object.values(lock.packages)) delete entry.resolved
writeFileSync(join(home, name), `${JSON.stringify(lock, null, 2)}\n`)
rmSync(folder, { recursive: true })
