/** What the system and the desktop would know of the app keeping the computer awake. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { until } from './until.mjs'

export class Inhibitions {
  /** Each with where `at`, `what`, `who` and `why`, and whether it is still `held`; in the order in which they came. */
  all = []
  #ready = false

  /** For an app that is started with {@link environment}; the test ends it. */
  static async start(t) {
    const system = new Inhibitions()
    // The system's own Python: it is the one that has GLib.
    const child = spawn('/usr/bin/python3', [fileURLToPath(new URL('inhibitions.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: child.stdout }).on('line', (line) => system.#told(JSON.parse(line)))
    t.after(async () => {
      const ended = once(child, 'exit')
      child.stdin.end()
      if (child.exitCode === null) await ended
    })
    await until('the system to take inhibitions', () => system.#ready)
    return system
  }

  /** The session's bus stands in for the system's, where nobody but root may be a service. */
  get environment() {
    return { DBUS_SYSTEM_BUS_ADDRESS: process.env.DBUS_SESSION_BUS_ADDRESS }
  }

  get held() {
    return this.all.filter((one) => one.held)
  }

  #told({ event, id, ...words }) {
    if (event === 'ready') this.#ready = true
    else if (event === 'taken') this.all[id - 1] = { ...words, held: true }
    else this.all[id - 1].held = false
  }
}
