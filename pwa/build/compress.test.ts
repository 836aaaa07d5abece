import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { compressFolder } from './compress'

it('writes siblings of what is worth it, which give the same back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'compress-'))
  const code = 'const answer = 42\n'.repeat(100)
  await writeFile(join(folder, 'app.js'), code)
  await writeFile(join(folder, 'tiny.js'), 'let a')
  await writeFile(join(folder, 'icon.png'), code)
  await compressFolder(folder)
  expect((await readdir(folder)).sort()).toEqual([
    'app.js',
    'app.js.br',
    'app.js.gz',
    'icon.png',
    'tiny.js',
  ])
  expect(brotliDecompressSync(await readFile(join(folder, 'app.js.br'))).toString()).toBe(code)
  expect(gunzipSync(await readFile(join(folder, 'app.js.gz'))).toString()).toBe(code)
})
