/** Where things are on the machine that runs the tests. */
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../../..')

export const python = process.env.HEARTH_TEST_PYTHON ?? join(ROOT, '.venv/bin/python')

/** What the parts are started with: this environment, without the settings of somebody's own Hearth. */
export function environment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('HEARTH_') && !/_proxy$/i.test(name),
  )
  return {
    ...Object.fromEntries(inherited),
    PYTHONPATH: ROOT,
    PYTHONUNBUFFERED: '1',
    ...settings,
  }
}

/** The id of the process that runs all tests, whose end makes leftovers of their hosts. */
export function run(): number {
  return Number(process.env.HEARTH_ROADS_RUN)
}
