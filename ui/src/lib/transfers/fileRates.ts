/** How fast single files go, told by looking at them again and again: nobody counts it for 200,000 files. */
import type { FileView } from '$lib/backend'

/** Looks that a rate is made of: fewer, and it jumps. */
const LOOKS = 4
/** Looks that a graph shows. */
const SHOWN = 40

interface Seen {
  /** Oldest first. */
  looks: { bytes: number; at: number }[]
  samples: number[]
}

export class FileRates {
  #seen = new Map<string, Seen>()

  /** `now` in milliseconds. What is no longer looked at is forgotten. */
  look(files: FileView[], now: number) {
    const next = new Map<string, Seen>()
    for (const { name, state, bytesDone } of files) {
      if (state !== 'running') continue
      const before = this.#seen.get(name)
      const last = before?.looks.at(-1)
      // Begun anew: it has fewer bytes than before, and no rate yet.
      const goesOn = before !== undefined && last !== undefined && bytesDone >= last.bytes
      const looks = [...(goesOn ? before.looks.slice(-LOOKS) : []), { bytes: bytesDone, at: now }]
      const rate = rateOf(looks)
      next.set(name, { looks, samples: goesOn && rate !== null ? [...before.samples.slice(1 - SHOWN), rate] : [] })
    }
    this.#seen = next
  }

  /** Bytes per second. */
  of(name: string): number | null {
    const seen = this.#seen.get(name)
    return seen ? rateOf(seen.looks) : null
  }

  samples(name: string): number[] {
    return this.#seen.get(name)?.samples ?? []
  }
}

function rateOf(looks: { bytes: number; at: number }[]): number | null {
  const [first, last] = [looks[0], looks.at(-1)]
  if (!first || !last || last.at <= first.at) return null
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at)
}
