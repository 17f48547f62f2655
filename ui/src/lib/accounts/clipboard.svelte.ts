/**
 * The secret on the clipboard and the seconds until the shell takes it off again.
 *
 * The shell does the clearing, so that it also happens when this window is closed; this only shows
 * the time. The clock is passed in for tests.
 */
import { backend } from '../backend'

/** As the shell promises for `secret: true`. */
export const CLEARED_AFTER_SECONDS = 60

export class SecretOnClipboard {
  /** Null: nothing of ours is there. */
  secondsLeft = $state<number | null>(null)
  cleared = $state(false)
  #until = 0
  #timer: ReturnType<typeof setInterval> | undefined
  #now: () => number

  constructor(now: () => number = () => Date.now()) {
    this.#now = now
  }

  async copy(secret: string): Promise<void> {
    await backend().shell('copy_text', { text: secret, secret: true })
    this.cleared = false
    this.#until = this.#now() + CLEARED_AFTER_SECONDS * 1000
    this.secondsLeft = CLEARED_AFTER_SECONDS
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#tick(), 1000)
  }

  #tick() {
    const left = Math.ceil((this.#until - this.#now()) / 1000)
    if (left > 0) {
      this.secondsLeft = left
      return
    }
    this.secondsLeft = null
    this.cleared = true
    clearInterval(this.#timer)
  }

  /** Stops showing the time; the shell still clears. */
  stop() {
    clearInterval(this.#timer)
    this.secondsLeft = null
  }
}
