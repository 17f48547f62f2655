/** What the desktop would show of the app while its window is not looked at. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { until } from './until.mjs'

export class Notifications {
  /** Each with its `title`, `words` and `actions`, in the order in which they came. */
  shown = []
  #child
  #ready = false

  /** On the session bus that the tests run beside; the test ends it. */
  static async start(t) {
    const desktop = new Notifications()
    // The system's own Python: it is the one that has GLib.
    const child = spawn('/usr/bin/python3', [fileURLToPath(new URL('notifications.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    desktop.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, ...told } = JSON.parse(line)
      if (event === 'ready') desktop.#ready = true
      else desktop.shown.push(told)
    })
    t.after(async () => {
      const ended = once(child, 'exit')
      child.stdin.end()
      if (child.exitCode === null) await ended
    })
    await until('the desktop to show notifications', () => desktop.#ready)
    return desktop
  }

  /** Presses a button of one, by its key. */
  press({ id }, key) {
    this.#child.stdin.write(`${JSON.stringify({ id, press: key })}\n`)
  }
}
