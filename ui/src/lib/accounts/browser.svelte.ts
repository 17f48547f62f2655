/**
 * A sign-in that goes on in a browser: begun, shown until it is finished there, or given up.
 *
 * The tokens never come here; what the page gets is a ticket for them.
 */
import { asProblem, backend, type OidcPrompt, type OidcRequest, type Problem } from '../backend'

export class BrowserSignIn {
  /** What to do in the browser; null while nothing is going on there. */
  prompt = $state.raw<OidcPrompt | null>(null)
  beginning = $state(false)
  problem = $state.raw<Problem | null>(null)
  /** The browser did not open by itself. */
  notOpened = $state.raw<Problem | null>(null)
  #turn = 0

  get busy(): boolean {
    return this.beginning || this.prompt !== null
  }

  /** The ticket of a finished sign-in; null when it was given up or went wrong (then `problem` says how). */
  async run(request: OidcRequest): Promise<string | null> {
    this.cancel()
    const turn = this.#turn
    this.problem = null
    this.beginning = true
    try {
      const prompt = await backend().call('oidc_begin', request)
      if (turn !== this.#turn) {
        cancelled(prompt.ticket)
        return null
      }
      this.beginning = false
      this.prompt = prompt
      // A code is for any device: opening a page here unasked might be the wrong one.
      if (prompt.code === null) await this.open()
      await backend().call('oidc_wait', prompt.ticket)
      if (turn !== this.#turn) return null
      this.prompt = null
      return prompt.ticket
    } catch (error) {
      if (turn !== this.#turn) return null
      this.problem = asProblem(error)
      this.prompt = null
      return null
    } finally {
      if (turn === this.#turn) this.beginning = false
    }
  }

  async open() {
    const prompt = this.prompt
    if (!prompt) return
    this.notOpened = null
    try {
      await backend().shell('open_sign_in', prompt.address)
    } catch (error) {
      this.notOpened = asProblem(error)
    }
  }

  cancel() {
    this.#turn += 1
    this.beginning = false
    this.notOpened = null
    if (this.prompt) cancelled(this.prompt.ticket)
    this.prompt = null
  }
}

function cancelled(ticket: string) {
  backend()
    .call('oidc_cancel', ticket)
    .catch(() => undefined) // It runs out by itself.
}
