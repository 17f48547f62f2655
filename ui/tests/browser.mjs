/**
 * Runs the tests in a browser, one file after the other: several browsers at once starve each other on a small
 * computer, and what takes long then looks like what hangs. The pages are built once for all of them.
 *   node tests/browser.mjs [FILE…]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPages } from './chromium.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const named = process.argv.slice(2)
const files = named.length ? named : (await readdir(here)).filter((name) => name.endsWith('.browser.mjs')).map((name) => join(here, name))
const pages = await mkdtemp(join(tmpdir(), 'wherry-look-'))
try {
  await buildPages(pages)
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], { stdio: 'inherit', env: { ...process.env, WHERRY_LOOK: pages } })
  const [code] = await once(tests, 'exit')
  process.exitCode = code ?? 1
} finally {
  await rm(pages, { recursive: true, force: true })
}
