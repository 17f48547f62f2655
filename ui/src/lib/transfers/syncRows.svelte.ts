/**
 * What the plan of a sync would do, row by row: fetched a piece at a time, as there may be very many, and
 * which of it is left out.
 */
import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { asProblem, backend, type LeftOut, type PlanView, type Problem, type SyncChange, type SyncRow } from '$lib/backend'

const PIECE = 100

/** The rows of one kind. */
export class SyncRows {
  readonly total: number
  readonly change: SyncChange
  problem = $state.raw<Problem | null>(null)
  readonly left = new SvelteSet<number>()
  readonly #rows = new SvelteMap<number, SyncRow>()
  readonly #asked = new Set<number>()
  readonly #plan: string

  constructor(plan: string, change: SyncChange, total: number) {
    this.#plan = plan
    this.change = change
    this.total = total
  }

  at(index: number): SyncRow | undefined {
    return this.#rows.get(index)
  }

  /** Sees to it that these rows are here, or on their way. */
  need(from: number, to: number) {
    for (let piece = Math.floor(from / PIECE); piece * PIECE < Math.min(to, this.total); piece++) if (!this.#asked.has(piece)) void this.#load(piece)
  }

  async #load(piece: number) {
    this.#asked.add(piece)
    try {
      const { rows } = await backend().call('sync_rows', { plan: this.#plan, change: this.change, from: piece * PIECE, count: PIECE })
      rows.forEach((one, i) => this.#rows.set(piece * PIECE + i, one))
      this.problem = null
    } catch (error) {
      this.#asked.delete(piece)
      this.problem = asProblem(error)
    }
  }

  toggle(index: number) {
    const one = this.#rows.get(index)
    if (one && !this.left.delete(one.item)) this.left.add(one.item)
  }

  takes(one: SyncRow): boolean {
    return !this.left.has(one.item)
  }
}

/** All that a sync would do. */
export class SyncChoices {
  readonly fresh: SyncRows
  readonly changed: SyncRows
  readonly deleted: SyncRows
  /** Somebody has said that the deletions are meant. */
  meant = $state(false)

  constructor({ id, files, conflicts, deletes }: PlanView) {
    this.fresh = new SyncRows(id, 'new', files - conflicts)
    this.changed = new SyncRows(id, 'changed', conflicts)
    this.deleted = new SyncRows(id, 'deleted', deletes)
  }

  /** Of rows that can be left out. */
  get total(): number {
    return this.fresh.total + this.changed.total + this.deleted.total
  }

  /** How many are not copied after all. */
  get skipped(): number {
    return this.fresh.left.size + this.changed.left.size
  }

  get deletions(): number {
    return this.meant ? this.deleted.total - this.deleted.left.size : 0
  }

  /** How many rows have been taken out of it. */
  get single(): number {
    return this.skipped + this.deleted.left.size
  }

  takeAll() {
    for (const rows of [this.fresh, this.changed, this.deleted]) rows.left.clear()
  }

  get leftOut(): LeftOut {
    return {
      copies: [...this.fresh.left, ...this.changed.left],
      deletions: this.meant ? [...this.deleted.left] : [],
      allDeletions: !this.meant && this.deleted.total > 0,
    }
  }
}
