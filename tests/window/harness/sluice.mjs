/**
 * In front of a store: sees who signed what, holds requests back for as long as a test wants, and refuses
 * some. What is signed stays as it was.
 */
import { once } from 'node:events'
import { createServer, request as ask } from 'node:http'
import { until } from './until.mjs'

export class Sluice {
  /** Each request that was signed: `{ line: 'PUT /bucket/key?…', id }`. */
  seen = []
  #held = () => false
  #refused = () => false

  static async start(t, endpoint) {
    const sluice = new Sluice()
    const { hostname, port } = new URL(endpoint)
    const server = createServer((request, response) => void sluice.#carry(request, response, { hostname, port }))
    // Nobody is asked whether they want the body.
    server.on('checkContinue', (request, response) => {
      response.writeContinue()
      void sluice.#carry(request, response, { hostname, port })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close().closeAllConnections())
    sluice.address = `http://127.0.0.1:${server.address().port}`
    return sluice
  }

  /** From now on, requests wait while this says so of them; asked again and again. */
  hold(held) {
    this.#held = held
  }

  /** From now on, requests of which this says so are not allowed. */
  refuse(refused) {
    this.#refused = refused
  }

  /** The ids of the keys that signed what has this in its line, in order and each once. */
  signers(part) {
    return [...new Set(this.seen.filter(({ line }) => line.includes(part)).map(({ id }) => id))]
  }

  async #carry(request, response, store) {
    const line = `${request.method} ${request.url}`
    const id = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
    if (id) this.seen.push({ line, id })
    request.pause()
    await until('the request to be let through', () => !this.#held(line), { seconds: 60 }).catch(() => request.destroy())
    if (this.#refused(line)) {
      request.resume()
      response.writeHead(403, { 'content-type': 'application/xml' })
      response.end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>')
      return
    }
    const { expect, ...headers } = request.headers
    const onward = ask({ ...store, method: request.method, path: request.url, headers, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    request.once('error', () => onward.destroy())
    request.pipe(onward)
  }
}
