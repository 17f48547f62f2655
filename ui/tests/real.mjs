/** Starts the real engine behind the bridge, and a browser on the built pages; `close` stops both. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { launch } from './chromium.mjs'

const top = fileURLToPath(new URL('../..', import.meta.url))

export async function startReal() {
  const home = await mkdtemp(join(tmpdir(), 'wherry-ui-'))
  const bridge = spawn(process.env.WHERRY_BRIDGE ?? join(top, 'target/debug/wherry-bridge'), ['--ui', join(top, 'ui/dist'), '--home', home], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => bridge.once('exit', resolve))
  const lines = createInterface({ input: bridge.stdout })
  const url = await new Promise((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line).url))
    bridge.once('exit', (code) => reject(new Error(`the bridge ended with ${code}`)))
  })
  const browser = await launch()
  return {
    url,
    home,
    browser,
    async page({ theme = 'light', size = '1280x800' } = {}) {
      const [width, height] = size.split('x').map(Number)
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' })
      const errors = []
      page.on('pageerror', (error) => errors.push(String(error)))
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
      await page.goto(url)
      return { page, errors }
    },
    /** A command as the window gives it. */
    async call(command, args = null) {
      const answer = await fetch(`${url}/call`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ command, args }) })
      const { ok, problem } = await answer.json()
      if (problem) throw new Error(`${command}: ${problem.what}`)
      return ok
    },
    async picks(paths) {
      await fetch(`${url}/test/picks`, { method: 'POST', body: JSON.stringify(paths) })
    },
    async seen() {
      return (await fetch(`${url}/test/seen`)).json()
    },
    async close() {
      await browser.close()
      bridge.stdin.end()
      await ended
      await rm(home, { recursive: true, force: true })
    },
  }
}
