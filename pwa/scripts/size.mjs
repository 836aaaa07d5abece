// What a first visit downloads and what the service worker keeps, against the budgets.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const brotli = promisify(brotliCompress)
const kilobyte = 1000

async function size(path) {
  return (await brotli(await readFile(join(dist, path)))).length
}

async function sum(paths) {
  const sizes = await Promise.all([...paths].map(size))
  return sizes.reduce((total, one) => total + one, 0)
}

const html = await readFile(join(dist, 'index.html'), 'utf8').catch(() => {
  console.error('There is no build to measure. Run `npm run build` first.')
  process.exit(1)
})

/** Everything that a page needs to stand: what index.html names, and what those import. */
async function firstLoad() {
  const found = new Set()
  const queue = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map(([, path]) => path)
  for (let path = queue.shift(); path; path = queue.shift()) {
    if (found.has(path)) continue
    found.add(path)
    if (!path.endsWith('.js')) continue
    const code = await readFile(join(dist, path), 'utf8')
    const imports = code.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)
    queue.push(...[...imports].map(([, name]) => `assets/${name}`))
  }
  return [...found]
}

/** Of the languages, which are loaded by name, a visitor downloads one: the longest counts. */
async function longestLocale() {
  const names = await readdir(join(dist, 'assets'))
  const sizes = await Promise.all(
    names.filter((name) => /^(en|ru)-[^.]+\.js$/.test(name)).map((name) => size(`assets/${name}`)),
  )
  if (sizes.length !== 2) throw new Error('The languages are not in files of their own any more.')
  return Math.max(...sizes)
}

/** The worker keeps every file of a release but itself, uncompressed. */
async function precache() {
  const entries = await readdir(dist, { recursive: true, withFileTypes: true })
  const paths = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name))
  const kept = paths.filter((path) => !/\.(br|gz)$|[/\\](sw\.js|release\.json)$/.test(path))
  const sizes = await Promise.all(kept.map(async (path) => (await readFile(path)).length))
  return { count: kept.length, bytes: sizes.reduce((total, one) => total + one, 0) }
}

const first = await firstLoad()
const allStyles = (await readdir(join(dist, 'assets')))
  .filter((name) => name.endsWith('.css'))
  .map((name) => `assets/${name}`)
const kept = await precache()

const figures = [
  ['JS of the first load, br', (await sum(first.filter((path) => path.endsWith('.js')))) + (await longestLocale()), 90 * kilobyte],
  ['CSS, all of it, br', await sum(allStyles), 12 * kilobyte],
  [`Precache, ${String(kept.count)} files`, kept.bytes, kilobyte * kilobyte],
]

for (const [name, bytes, budget] of figures) {
  const verdict = bytes <= budget ? 'within' : 'BEYOND'
  const shown = `${(bytes / kilobyte).toFixed(1)} kB`
  console.log(`${name.padEnd(28)}${shown.padStart(10)}  ${verdict} ${String(budget / kilobyte)} kB`)
}
process.exit(figures.every(([, bytes, budget]) => bytes <= budget) ? 0 : 1)
