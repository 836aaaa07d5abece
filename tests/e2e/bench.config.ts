import { defineConfig } from '@playwright/test'
import tests from './playwright.config.ts'

export default defineConfig(tests, {
  testDir: 'bench',
  testMatch: '*.bench.ts',
  timeout: 600_000,
  // A trace photographs the page all the while, which would be measured too.
  use: { ...tests.use, trace: 'off' },
})
