/**
 * One question to Rust at a time: that it is being asked, what went wrong, and giving up on it.
 */
import { asProblem, type Problem } from '../backend'

export class Asking {
  busy = $state(false)
  problem = $state<Problem | null>(null)
  #turn = 0

  /**
   * The answer, or null when it went wrong (then `problem` says how) or was given up. An answer
   * that arrives after giving up goes to `late`, which puts away what it left behind.
   */
  async ask<T>(
    question: () => Promise<T>,
    late: (answer: T) => void = () => undefined,
  ): Promise<{ answer: T } | null> {
    this.#turn += 1
    const turn = this.#turn
    this.busy = true
    this.problem = null
    try {
      const answer = await question()
      if (turn === this.#turn) return { answer }
      late(answer)
      return null
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error)
      return null
    } finally {
      if (turn === this.#turn) this.busy = false
    }
  }

  giveUp() {
    this.#turn += 1
    this.busy = false
  }
}
