/** The built interface in a browser, on the real engine: starts `wherry-bridge`, and stops it by its own process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export async function startBridge({ vault = 'session', home } = {}) {
  const program = process.env.WHERRY_BRIDGE ?? `${process.env.CARGO_TARGET_DIR ?? `${root}target`}/debug/wherry-bridge`
  const options = ['--ui', process.env.WHERRY_UI ?? `${root}ui/dist-bridge`, '--vault', vault, ...(home ? ['--home', home] : [])]
  const bridge = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: bridge.stdout })
  const [first] = await Promise.race([
    once(lines, 'line'),
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
