import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import VueI18n from '@intlify/unplugin-vue-i18n/vite'
import vue from '@vitejs/plugin-vue'
import { VitePWA } from 'vite-plugin-pwa'
import { defineConfig } from 'vitest/config'
import { compress } from './build/compress.ts'
import { manifest } from './build/manifest.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const { version } = JSON.parse(readFileSync(here('./package.json'), 'utf8')) as { version: string }

/** Only these tests need a page, which takes far longer to make than to test. */
const withPage = ['src/*.test.ts', 'src/{storage,stores,composables,components,pages}/**/*.test.ts']
const withoutPage = [
  'src/{protocol,release,worker,chat,transfer,trust,net,search,sync,i18n}/**/*.test.ts',
  'build/**/*.test.ts',
]

export default defineConfig({
  plugins: [
    vue(),
    // Messages are compiled here, so that the page needs neither a compiler nor `eval`.
    VueI18n({
      include: here('./src/i18n/locales/*.json'),
      runtimeOnly: true,
      dropMessageCompiler: true,
      strictMessage: true,
    }),
    VitePWA({
      registerType: 'prompt',
      injectRegister: false,
      manifest,
      includeManifestIcons: false,
      strategies: 'injectManifest',
      srcDir: 'src/worker',
      filename: 'sw.ts',
      // The worker learns what to keep from the signed release.json, and names no file itself.
      injectManifest: { injectionPoint: undefined, rollupFormat: 'iife' },
    }),
    compress(),
  ],
  define: {
    __APP_VERSION__: JSON.stringify(version),
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    __VUE_OPTIONS_API__: 'false',
  },
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // An inlined asset would be a `data:` address, which the page's policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What every page needs is one file: in a dozen files it compresses worse by 6 kB.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } },
    },
  },
  server: {
    proxy: { '/api': { target: 'http://127.0.0.1:8080', ws: true } },
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'page', environment: 'happy-dom', include: withPage, isolate: false },
      },
      {
        extends: true,
        test: { name: 'pure', environment: 'node', include: withoutPage, isolate: false },
      },
    ],
  },
})
