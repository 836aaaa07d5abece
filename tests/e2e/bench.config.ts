import { defineConfig } from '@playwright/test'
import tests from './playwright.config.ts'

export default defineConfig(tests, {
  testDir: 'bench',
  testMatch: '*.bench.ts',
  timeout: 600_000,
})
