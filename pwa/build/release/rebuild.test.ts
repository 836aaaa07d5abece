import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { sha256 } from '../../src/release/verify'
import { withRebuild } from './rebuild'

const app = fileURLToPath(new URL('../..', import.meta.url))

/** Every file, the compressed ones too, with its hash. */
async function contents(dist: string): Promise<[string, string][]> {
  const entries = await readdir(dist, { recursive: true, withFileTypes: true })
  const paths = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name))
  const hashed = paths.map(async (path): Promise<[string, string]> => {
    return [relative(dist, path), await sha256(new Uint8Array(await readFile(path)))]
  })
  return (await Promise.all(hashed)).sort()
}

it('gives the same bytes in another folder, at another time, zone and language', { timeout: 120_000 }, async () => {
  const east = { TZ: 'Pacific/Kiritimati', LC_ALL: 'ru_RU.UTF-8', LANG: 'ru_RU.UTF-8' }
  const west = { TZ: 'America/Los_Angeles', LC_ALL: 'C', LANG: 'C' }
  const first = await withRebuild(app, east, contents)
  const second = await withRebuild(app, west, contents)
  expect(first.length).toBeGreaterThan(10)
  expect(second).toEqual(first)
})
