/** The built pages on the real engine, in a browser, with files to drop; `close` stops it all. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as plainTest } from 'node:test'
import { startBridge } from './bridge.mjs'
import { launch } from './chromium.mjs'

/** What is open in this file's tests. */
const pages = new Set()

/** A test that fails with what the pages showed then: on another machine nobody can look. */
export function test(name, ...rest) {
  const run = rest.pop()
  plainTest(name, ...rest, async (context) => {
    try {
      await run(context)
    } catch (error) {
      for (const page of pages) {
        const shown = await page.locator('body').ariaSnapshot().catch(String)
        // A row says what its cells say.
        for (const line of shown.split('\n')) if (!line.includes('- gridcell ')) context.diagnostic(line)
      }
      throw error
    }
  })
}

export async function startReal() {
  const home = await mkdtemp(join(tmpdir(), 'wherry-ui-'))
  let bridge = await startBridge({ home: join(home, 'wherry') })
  const browser = await launch()
  return {
    willPick: (paths) => bridge.willPick(paths),
    seen: () => bridge.seen(),
    get url() {
      return bridge.url
    },
    /** Ends the engine, and begins another one on the same home. */
    async restart() {
      await bridge.stop()
      bridge = await startBridge({ home: join(home, 'wherry') })
    },
    /** A folder for files to send and to fetch. */
    home,
    async page({ theme = 'light', size = '1280x800' } = {}) {
      const [width, height] = size.split('x').map(Number)
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' })
      pages.add(page)
      const errors = []
      page.on('pageerror', (error) => errors.push(String(error)))
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
      await page.goto(bridge.url)
      return { page, errors }
    },
    /** A command as the window gives it. */
    async call(command, args = null) {
      const answer = await fetch(`${bridge.url}/call`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ command, args }) })
      const { ok, problem } = await answer.json()
      if (problem) throw new Error(`${command}: ${problem.what}`)
      return ok
    },
    async close() {
      pages.clear()
      await browser.close()
      await bridge.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Files from the desktop, let go over this point of the window. */
export function drop(page, paths, at) {
  return page.evaluate(
    ([paths, at]) => {
      for (const kind of ['enter', 'over', 'drop']) window.dispatchEvent(new CustomEvent('wherry:drop', { detail: { kind, paths, at } }))
    },
    [paths, at],
  )
}

/** Says yes to the plan of a copy; one that meets nothing runs without being asked. */
export async function copies(real, page, name) {
  const run = page.getByRole('dialog').getByRole('button', { name, exact: true })
  const copy = async () => (await real.call('jobs')).some(({ kind }) => kind === 'copy')
  await until(async () => (await run.count()) > 0 || (await copy()))
  if (await run.count()) await run.click()
}

/** Asks until it is so; the test's own time limit ends it. */
export async function until(so) {
  for (;;) {
    const answer = await so()
    if (answer) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
