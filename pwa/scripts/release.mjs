// Runs the release tool, which shares with the service worker what a release is.
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const app = fileURLToPath(new URL('..', import.meta.url))
const main = fileURLToPath(new URL('../build/release/main.ts', import.meta.url))
const [defaultKey, ...words] = process.argv.slice(2)
const { module } = await runnerImport(main, { root: app, configFile: false, logLevel: 'error' })
process.exitCode = await module.main(words, app, defaultKey)
