import { defineConfig } from '@playwright/test'

// One worker, since times are measured. Each test starts the browsers that it needs, on their hosts.
export default defineConfig({
  testDir: '.',
  globalSetup: './setup.ts',
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  outputDir: '../../../.cache/results/roads',
})
