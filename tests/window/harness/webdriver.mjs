/**
 * The dozen WebDriver requests that these tests make, over `fetch`. A client library would bring two
 * hundred packages for them.
 */

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

export class WebDriverError extends Error {
  constructor({ error, message }) {
    super(`${error}: ${message}`)
    this.code = error
  }
}

/** As a WebDriver answers: an element of the page, by a reference that dies with the page. */
export function elementOf(value) {
  return value?.[ELEMENT] ?? null
}

export function reference(id) {
  return { [ELEMENT]: id }
}

export class Session {
  #base

  constructor(base) {
    this.#base = base
  }

  /** Starts `application` and connects to its page. */
  static async open(address, application) {
    const alwaysMatch = { browserName: 'wry', 'tauri:options': { application } }
    const { sessionId } = await request(address, 'POST', '/session', { capabilities: { alwaysMatch } })
    const session = new Session(`${address}/session/${sessionId}`)
    await session.call('POST', '/timeouts', { script: 30_000 })
    return session
  }

  call(method, path, body) {
    return request(this.#base, method, path, body)
  }

  /** Runs a function in the page. It must stand alone: it cannot see anything of this file. */
  async run(script, ...args) {
    return this.call('POST', '/execute/sync', { script: `return (${script}).apply(null, arguments)`, args })
  }

  async screenshot() {
    return Buffer.from(await this.call('GET', '/screenshot'), 'base64')
  }

  close() {
    return this.call('DELETE', '')
  }
}

async function request(base, method, path, body) {
  const answer = await fetch(base + path, {
    method,
    body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
    headers: { 'content-type': 'application/json' },
  })
  const { value } = await answer.json()
  if (!answer.ok) throw new WebDriverError(value)
  return value
}
