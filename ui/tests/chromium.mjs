/** Starts the pages and a browser for tests and pictures; both are stopped by `close`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build, preview } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

/** The pages are built once: a thousand modules one by one are slow to load again and again. */
export function buildPages(outDir) {
  const input = join(root, 'tests/look.html')
  return build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true, minify: false, reportCompressedSize: false, rollupOptions: { input } } })
}

/** Where `WHERRY_LOOK` says, the pages have been built before. */
export async function start() {
  const built = process.env.WHERRY_LOOK
  const outDir = built ?? (await mkdtemp(join(tmpdir(), 'wherry-look-')))
  if (!built) await buildPages(outDir)
  const server = await preview({ root, logLevel: 'error', build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
  const browser = await launch()
  return {
    browser,
    url: server.resolvedUrls.local[0],
    async close() {
      await browser.close()
      await server.close()
      if (!built) await rm(outDir, { recursive: true, force: true })
    },
  }
}

/** A page on one world. Anything on the console that is an error fails whoever is looking. */
export async function open({ browser, url }, { world, theme = 'light', size = '1280x800', scale = 1 }) {
  const [width, height] = size.split('x').map(Number)
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' })
  // The worlds' own day: "3 days ago" means the same in every picture.
  await page.clock.setSystemTime(new Date('2026-03-14T12:00:00Z'))
  const errors = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.goto(`${url}tests/look.html?world=${world}${scale === 1 ? '' : `&scale=${scale}`}`)
  await page.waitForSelector('#app > *')
  return { page, errors }
}
