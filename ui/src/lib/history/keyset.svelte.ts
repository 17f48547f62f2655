/**
 * A list without a known end, fetched page by page as one scrolls. Rust can only go on from a page's
 * end, so the way to each page is remembered; pages far from sight are forgotten and fetched again.
 */
import { asProblem, type Problem } from '$lib/backend'

export interface KeysetPage<T> {
  items: T[]
  next: string | null
}

/** Pages in memory: about as many rows as a few screens of an hour's scrolling. */
const KEEP = 40
/** The next page is fetched when its rows are this near. */
const AHEAD = 50

interface Known<T> {
  after: string | null
  start: number
  size: number
  items: T[] | null
  used: number
}

export class Keyset<T> {
  total = $state(0)
  /** There is no more than `total`. */
  complete = $state(false)
  loading = $state(false)
  problem = $state.raw<Problem | null>(null)
  /** The first answer has come. */
  loaded = $state(false)
  #version = $state(0)
  #pages: Known<T>[] = []
  #next: string | null = null
  #wanted = { from: 0, to: 0 }
  #clock = 0
  #round = 0
  #fetch: ((after: string | null) => Promise<KeysetPage<T>>) | null = null

  /** Another list: what comes late of the one before is dropped. Its rows stay until the first answer. */
  open(fetch: (after: string | null) => Promise<KeysetPage<T>>) {
    this.#fetch = fetch
    this.again()
  }

  /** The same list from its beginning. */
  again() {
    this.#round++
    this.loading = false
    this.problem = null
    this.loaded = false
    void this.#more(true)
  }

  item(index: number): T | undefined {
    void this.#version
    const page = this.#pageOf(index)
    return page?.items?.[index - page.start]
  }

  /** Sees to it that rows `from..to` are here, and those that may follow. */
  need(from: number, to: number) {
    this.#wanted = { from, to }
    this.#step()
  }

  retry() {
    this.problem = null
    if (this.loaded) this.#step()
    else this.again()
  }

  #pageOf(index: number): Known<T> | undefined {
    let low = 0
    let high = this.#pages.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const page = this.#pages[middle]
      if (!page) return undefined
      if (index < page.start) high = middle - 1
      else if (index >= page.start + page.size) low = middle + 1
      else return page
    }
    return undefined
  }

  #step() {
    if (this.loading || !this.loaded || this.problem) return
    const { from, to } = this.#wanted
    for (let at = from; at < Math.min(to, this.total); ) {
      const page = this.#pageOf(at)
      if (!page) break
      page.used = ++this.#clock
      if (!page.items) return void this.#refill(page)
      at = page.start + page.size
    }
    if (!this.complete && to + AHEAD >= this.total) void this.#more(false)
  }

  async #ask(after: string | null, take: (page: KeysetPage<T>) => void) {
    if (!this.#fetch || this.loading) return
    const round = this.#round
    this.loading = true
    try {
      const page = await this.#fetch(after)
      if (round !== this.#round) return
      take(page)
      this.#version++
    } catch (error) {
      if (round === this.#round) this.problem = asProblem(error)
    } finally {
      if (round === this.#round) {
        this.loading = false
        // An empty page may be followed by others, and one may have scrolled on meanwhile.
        this.#step()
      }
    }
  }

  async #more(first: boolean) {
    const after = first ? null : this.#next
    await this.#ask(after, ({ items, next }) => {
      if (first) {
        this.#pages = []
        this.total = 0
        this.loaded = true
      }
      if (items.length) this.#pages.push({ after, start: this.total, size: items.length, items, used: ++this.#clock })
      this.total += items.length
      this.#next = next
      this.complete = next === null
      this.#forgetOld()
    })
  }

  async #refill(page: Known<T>) {
    await this.#ask(page.after, ({ items }) => {
      if (items.length === page.size) {
        page.items = items
        this.#forgetOld()
        // Entries were forgotten since: nothing is where it was.
      } else queueMicrotask(() => this.again())
    })
  }

  #forgetOld() {
    const full = this.#pages.filter((page) => page.items)
    if (full.length <= KEEP) return
    for (const page of full.sort((a, b) => a.used - b.used).slice(0, full.length - KEEP)) page.items = null
  }
}
