/**
 * The rows of one look at one listing, fetched a page at a time as they are needed. A listing that
 * grows makes pages stale: they stay visible until their newer version has come, so nothing flickers.
 */
import type { Row, Rows } from '$lib/backend'

export const PAGE = 200
/** Two screens of rows each way, and a few places one has just been. */
const KEEP = 24

interface Page {
  rows: Row[]
  generation: number
  used: number
}

export class Pages {
  total = 0
  #pages = new Map<number, Page>()
  #asked = new Map<number, number>()
  #clock = 0
  #generation: number
  #closed = false

  /** `changed` is called when rows or the total are different from before. */
  constructor(
    private readonly fetch: (from: number, count: number) => Promise<Rows>,
    private readonly changed: (failure?: unknown) => void,
    generation: number,
    private readonly pageSize = PAGE,
  ) {
    this.#generation = generation
  }

  /** The listing has grown or changed: what is here is shown until it is asked for again. */
  outdate(generation: number) {
    this.#generation = Math.max(this.#generation, generation)
  }

  get generation() {
    return this.#generation
  }

  row(index: number): Row | undefined {
    const page = this.#pages.get(Math.floor(index / this.pageSize))
    return page?.rows[index % this.pageSize]
  }

  /** Sees to it that rows `from..to` are here and fresh. */
  need(from: number, to: number) {
    const first = Math.max(0, Math.floor(from / this.pageSize))
    const last = Math.max(first, Math.floor(Math.max(from, to - 1) / this.pageSize))
    for (let number = first; number <= last; number++) {
      const page = this.#pages.get(number)
      if (page) page.used = ++this.#clock
      if (page && page.generation >= this.#generation) continue
      void this.#load(number)
    }
  }

  close() {
    this.#closed = true
  }

  async #load(number: number) {
    const asked = this.#asked.get(number)
    if (asked !== undefined && asked >= this.#generation) return
    // One request for a page at a time: a listing that grows ten times a second must not queue up.
    if (asked !== undefined) return
    const wanted = this.#generation
    this.#asked.set(number, wanted)
    let stillNone = false
    try {
      const answer = await this.fetch(number * this.pageSize, this.pageSize)
      if (this.#closed) return
      const before = this.#pages.get(number)
      if (!before || answer.generation >= before.generation) {
        // Asked for after it was told: it cannot be older, whatever it calls itself. Else one would ask for ever.
        this.#pages.set(number, { rows: answer.rows, generation: Math.max(answer.generation, wanted), used: ++this.#clock })
        this.total = answer.total
        this.#generation = Math.max(this.#generation, answer.generation)
        this.#forgetOld()
        this.changed()
        stillNone = answer.total === 0 && answer.generation < this.#generation
      }
    } catch (error) {
      if (!this.#closed) this.changed(error)
    } finally {
      this.#asked.delete(number)
      // Rows came while we asked. Nobody else would: without rows there is no table.
      if (stillNone && !this.#closed) void this.#load(number)
    }
  }

  #forgetOld() {
    if (this.#pages.size <= KEEP) return
    const oldest = [...this.#pages].sort(([, a], [, b]) => a.used - b.used)
    for (const [number] of oldest.slice(0, this.#pages.size - KEEP)) this.#pages.delete(number)
  }
}
