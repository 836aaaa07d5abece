import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import { type ReleaseFile, releaseFile } from '../../src/release/manifest'
import { sha256 } from '../../src/release/verify'
import { codeOf, ReleaseError } from './errors'

const expand = { '.br': promisify(brotliDecompress), '.gz': promisify(gunzip) }

/** Every file of a built app but the manifest and the compressed siblings, sorted by path. */
export async function listFiles(folder: string): Promise<ReleaseFile[]> {
  const paths = (await listPaths(folder)).filter((path) => path !== releaseFile && !plainOf(path))
  return Promise.all(paths.map((path) => describe(folder, path)))
}

/** The compressed siblings that do not give back the file they stand beside. */
export async function wrongSiblings(folder: string): Promise<string[]> {
  const wrong: string[] = []
  for (const path of await listPaths(folder)) {
    const plain = plainOf(path)
    if (plain && !(await holds(join(folder, path), join(folder, plain.path), plain.kind))) {
      wrong.push(path)
    }
  }
  return wrong
}

async function listPaths(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      throw new ReleaseError(`${folder} cannot be read (${codeOf(error)}). Name a built app.`)
    },
  )
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort((a, b) => (a < b ? -1 : 1)) // by code unit, the same in every locale
}

async function describe(folder: string, path: string): Promise<ReleaseFile> {
  const content = new Uint8Array(await readFile(join(folder, path)))
  return { path, sha256: await sha256(content), size: content.length }
}

function plainOf(path: string): { path: string; kind: '.br' | '.gz' } | null {
  const kind = (['.br', '.gz'] as const).find((ending) => path.endsWith(ending))
  return kind ? { path: path.slice(0, -kind.length), kind } : null
}

async function holds(packed: string, plain: string, kind: '.br' | '.gz'): Promise<boolean> {
  try {
    return (await expand[kind](await readFile(packed))).equals(await readFile(plain))
  } catch {
    return false
  }
}
