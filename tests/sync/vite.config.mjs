import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

export default {
  root: here('.'),
  build: {
    ssr: here('app/main.ts'),
    outDir: here('../../.cache/sync'),
    emptyOutDir: true,
    minify: false,
    rolldownOptions: { output: { entryFileNames: 'main.mjs' } },
  },
}
