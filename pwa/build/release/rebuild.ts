/** Builds the app from a copy of its sources, to see that the same comes of it. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ReleaseError } from './errors'

const sources = ['build', 'public', 'src', 'index.html', 'package.json', 'tsconfig.json', 'vite.config.ts']
const run = promisify(execFile)

/** Hands the folder of the new build to `use`, and removes it afterwards. */
export async function withRebuild<T>(
  app: string,
  environment: Record<string, string>,
  use: (dist: string) => Promise<T>,
): Promise<T> {
  const copy = await mkdtemp(join(await realpath(tmpdir()), 'rebuild-'))
  try {
    for (const name of sources) await cp(join(app, name), join(copy, name), { recursive: true })
    const packages = await realpath(join(app, 'node_modules'))
    await symlink(packages, join(copy, 'node_modules'), 'junction')
    const vite = join(packages, 'vite', 'bin', 'vite.js')
    // A test runner's own mode must not become the build's.
    const env = { ...process.env, NODE_ENV: 'production', VITEST: '', ...environment }
    await run(process.execPath, [vite, 'build', '--logLevel', 'error'], { cwd: copy, env }).catch(
      (error: unknown) => {
        const { stderr } = error as { stderr?: string }
        throw new ReleaseError(`The app could not be built again: ${stderr?.trim() ?? String(error)}`)
      },
    )
    return await use(join(copy, 'dist'))
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
