import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import ts from 'typescript-eslint'

/** Each layer may import the layers before it, and never one after it. */
const layers = [
  'protocol',
  'release',
  'chat',
  'transfer',
  'trust',
  'net',
  'storage',
  'search',
  'sync',
  'i18n',
  'stores',
  'composables',
  'components',
  'pages',
]

/** Layers that know nothing of Vue, so that they can be read and tested without it. */
const pure = ['protocol', 'release', 'chat', 'transfer', 'trust', 'net', 'storage', 'search', 'sync']

/** Side by side: none of them may know another. */
const apart = {
  trust: ['chat', 'transfer'],
  net: ['chat', 'transfer'],
  storage: ['transfer', 'net'],
  search: ['transfer', 'trust', 'net'],
  sync: ['transfer', 'trust', 'net'],
  i18n: ['chat', 'transfer', 'trust', 'net', 'storage', 'search', 'sync'],
}

function direction(layer) {
  const index = layers.indexOf(layer)
  const after = [...layers.slice(index + 1), ...(apart[layer] ?? [])]
  const patterns = [
    {
      regex: `^(\\.\\./)+(${[...after, 'services', 'router', 'main'].join('|')})(/|$|\\.)`,
      message: `${layer} imports only the layers before it.`,
    },
  ]
  if (pure.includes(layer)) {
    patterns.push({
      regex: '^(vue|vue-router|petite-vue-i18n|pinia)$|\\.vue$',
      message: `${layer} knows nothing of Vue.`,
    })
  }
  return {
    files: [`src/${layer}/**/*.{ts,vue}`],
    ignores: ['src/**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  }
}

/** The service worker is a program of its own, which shares with the page what a release is. */
const worker = {
  files: ['src/worker/**/*.ts'],
  ignores: ['src/**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: '^\\.\\./(?!release/)|^[^.]', message: 'Only ../release.' }] },
    ],
  },
}

const withoutNetwork = {
  files: ['src/{protocol,release,chat,transfer,trust}/**/*.ts'],
  rules: {
    'no-restricted-globals': [
      'error',
      ...['fetch', 'WebSocket', 'RTCPeerConnection', 'setTimeout', 'setInterval', 'document'].map(
        (name) => ({ name, message: 'This layer is pure: time and messages are handed to it.' }),
      ),
    ],
  },
}

export default ts.config(
  { ignores: ['dist', 'node_modules', 'test-results', 'playwright-report'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...vue.configs['flat/recommended'],
  {
    languageOptions: {
      globals: { __APP_VERSION__: 'readonly' },
      parserOptions: { parser: ts.parser },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/consistent-type-imports': 'error',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/define-emits-declaration': 'error',
      'vue/define-props-declaration': 'error',
      'vue/no-v-html': 'error',
      'vue/no-static-inline-styles': 'error',
      // Layout of templates is settled by reading them, not by rules of line breaks.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always' } }],
      'vue/multi-word-component-names': 'off',
    },
  },
  {
    // TypeScript itself knows which names exist.
    files: ['**/*.{ts,vue}'],
    rules: { 'no-undef': 'off' },
  },
  {
    files: ['scripts/**/*.mjs', 'eslint.config.js', 'public/*.js'],
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', URL: 'readonly', document: 'readonly', localStorage: 'readonly', navigator: 'readonly' },
    },
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.test.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  ...layers.map(direction),
  worker,
  withoutNetwork,
)
