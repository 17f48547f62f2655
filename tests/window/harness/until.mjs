/** Waiting for a condition: what every test does instead of sleeping. */
import { setTimeout as pause } from 'node:timers/promises'

/** Looks again and again until the answer is truthy, and returns it; an error counts as "not yet". */
export async function until(what, look, { seconds = 20, every = 40 } = {}) {
  const end = performance.now() + seconds * 1000
  for (;;) {
    let reason
    try {
      const seen = await look()
      if (seen) return seen
    } catch (error) {
      if (error.final) throw error
      reason = error
    }
    if (performance.now() > end) {
      const why = reason ? `: ${reason.message}` : ''
      throw new Error(`${what}: not within ${seconds} s${why}`, reason && { cause: reason })
    }
    await pause(every)
  }
}
