/** Signs the built app, as every installation does before it serves it. */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const PWA = resolve(import.meta.dirname, '../../pwa')
const run = promisify(execFile)

export const DIST = join(PWA, 'dist')

/** Signs what is built with a key that is made when there is none, and puts it to be served. */
export async function signApp(key: string, built: string, served: string): Promise<void> {
  const tool = join(PWA, 'scripts/release.mjs')
  await run(process.execPath, [tool, key, 'sign', built, '--to', served, '--first'])
}
