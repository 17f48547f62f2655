import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { svelteTesting } from '@testing-library/svelte/vite'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig(({ mode }) => ({
  // Only pages built for the browser tests can talk to the bridge; those of the app cannot.
  define: { __BRIDGE__: JSON.stringify(mode === 'bridge') },
  plugins: [svelte(), svelteTesting()],
  resolve: { alias: { $lib: here('./src/lib'), $tests: here('./tests') } },
  // The window loads only what is its own: no inlined data: modules, no source maps in what is shipped.
  build: { target: ['safari16', 'chrome110'], assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { port: 5173, strictPort: true, host: '127.0.0.1' },
  clearScreen: false,
  test: { environment: 'jsdom', css: { include: /tokens/ }, setupFiles: ['tests/setup.ts'], include: ['src/**/*.test.ts', 'tests/**/*.test.ts'], testTimeout: 20_000 },
}))
