/**
 * Stand-ins for portals: the doubles of `tests/doubles`, each a process that ends with its input, with a
 * real gateway behind it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { bed } from './bed.mjs'

/** Built beside the app. */
const PROGRAM = process.env.WHERRY_DOUBLES ?? join(dirname(process.env.WHERRY_APP ?? ''), 'wherry-doubles')

/** What the doubles want to know of the store that their keys shall open. */
export function backing({ endpoint, user }) {
  return { url: endpoint, access_key_id: user.access_key, secret_access_key: user.secret_key }
}

export class Double {
  #child
  #lines

  /** Starts a double of this kind; the test ends it. Its options are as its program takes them. */
  static async start(t, kind, options = {}) {
    const double = new Double()
    double.#child = spawn(PROGRAM, [kind], { stdio: ['pipe', 'pipe', 'inherit'] })
    double.#lines = createInterface({ input: double.#child.stdout })[Symbol.asyncIterator]()
    t.after(() => double.#stop())
    // The secret of the gateway goes by standard input, as it should.
    double.about = await double.#say({ rgw: backing(bed.rgw), ...options })
    return double
  }

  async #say(line) {
    this.#child.stdin.write(`${JSON.stringify(line)}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${PROGRAM} has ended: is it built? (cargo build -p wherry-doubles)`)
    const said = JSON.parse(value)
    if (said.error) throw new Error(said.error)
    return said
  }

  /** Has it do something, or tell. */
  do(what, parameters = {}) {
    return this.#say({ do: what, ...parameters })
  }

  /** The ids of the keys there are. */
  async keys() {
    return (await this.do('keys')).keys.map(({ access_key_id: id }) => id)
  }

  async #stop() {
    const ended = once(this.#child, 'exit')
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await ended
  }
}
