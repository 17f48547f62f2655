/** The built pages on the real engine, in a browser, with files to drop; `close` stops it all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { launch } from './chromium.mjs'

const top = fileURLToPath(new URL('../..', import.meta.url))

async function startBridge(home) {
  const program = process.env.WHERRY_BRIDGE ?? join(process.env.CARGO_TARGET_DIR ?? join(top, 'target'), 'debug/wherry-bridge')
  const bridge = spawn(program, ['--ui', process.env.WHERRY_UI ?? join(top, 'ui/dist-bridge'), '--home', home], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [first] = await Promise.race([
    once(createInterface({ input: bridge.stdout }), 'line'),
    once(bridge, 'exit').then(([code]) => Promise.reject(new Error(`wherry-bridge ended with ${code}`))),
  ])
  const { url } = JSON.parse(first)
  return {
    url,
    async willPick(paths) {
      await fetch(`${url}/test/picks`, { method: 'POST', body: JSON.stringify(paths) })
    },
    /** What was copied, opened and dragged out. */
    async seen() {
      return (await fetch(`${url}/test/seen`)).json()
    },
    async stop() {
      // It ends when its standard input does.
      const ended = once(bridge, 'exit')
      bridge.stdin.end()
      await ended
    },
  }
}

export async function startReal() {
  const home = await mkdtemp(join(tmpdir(), 'wherry-ui-'))
  const bridge = await startBridge(join(home, 'wherry'))
  const browser = await launch()
  return {
    ...bridge,
    /** A folder for files to send and to fetch. */
    home,
    async page({ theme = 'light', size = '1280x800' } = {}) {
      const [width, height] = size.split('x').map(Number)
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' })
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
