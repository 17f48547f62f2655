/**
 * What a plan found at its destination and differs: fetched a piece at a time, as there may be very
 * many, and the answers to single ones, which stay whatever is answered for all.
 */
import { SvelteMap } from 'svelte/reactivity'
import { asProblem, backend, type ConflictView, type ItemChoice, type OnConflict, type PlanView, type Problem } from '$lib/backend'

const PIECE = 100

export class Conflicts {
  readonly total: number
  /** For all that have no answer of their own. */
  all = $state<OnConflict>('skip')
  problem = $state.raw<Problem | null>(null)
  readonly #own = new SvelteMap<number, OnConflict>()
  readonly #rows = new SvelteMap<number, ConflictView>()
  readonly #asked = new Set<number>()
  readonly #plan: string

  constructor(plan: PlanView) {
    this.#plan = plan.id
    this.total = plan.conflicts
    plan.conflictExamples.forEach((one, i) => this.#rows.set(i, one))
  }

  at(index: number): ConflictView | undefined {
    return this.#rows.get(index)
  }

  /** Sees to it that these rows are here, or on their way. */
  need(from: number, to: number) {
    for (let piece = Math.floor(from / PIECE); piece * PIECE < Math.min(to, this.total); piece++) {
      const last = Math.min((piece + 1) * PIECE, this.total) - 1
      if (this.#asked.has(piece) || (this.#rows.has(piece * PIECE) && this.#rows.has(last))) continue
      void this.#load(piece)
    }
  }

  async #load(piece: number) {
    this.#asked.add(piece)
    try {
      const { conflicts } = await backend().call('plan_conflicts', { plan: this.#plan, from: piece * PIECE, count: PIECE })
      conflicts.forEach((one, i) => this.#rows.set(piece * PIECE + i, one))
      this.problem = null
    } catch (error) {
      this.#asked.delete(piece)
      this.problem = asProblem(error)
    }
  }

  /** How many have an answer of their own. */
  get single(): number {
    return this.#own.size
  }

  answer(item: number): OnConflict {
    return this.#own.get(item) ?? this.all
  }

  isOwn(item: number): boolean {
    return this.#own.has(item)
  }

  choose(item: number, choice: OnConflict) {
    this.#own.set(item, choice)
  }

  forget(item?: number) {
    if (item === undefined) this.#own.clear()
    else this.#own.delete(item)
  }

  /** How many of them are left as they are. */
  get skipped(): number {
    let skipped = this.all === 'skip' ? this.total : 0
    for (const choice of this.#own.values()) {
      if (this.all === 'skip' && choice !== 'skip') skipped--
      if (this.all !== 'skip' && choice === 'skip') skipped++
    }
    return skipped
  }

  /** As a command wants them: only where they differ. */
  get each(): ItemChoice[] {
    return [...this.#own].filter(([, choice]) => choice !== this.all).map(([item, choice]) => ({ item, choice }))
  }
}

/** Which side was changed later; null when it cannot be told. */
export function newer({ hereModified, thereModified }: ConflictView): 'here' | 'there' | null {
  return newerSide(hereModified, thereModified)
}

export function newerSide(here: number | null, there: number | null): 'here' | 'there' | null {
  // Stores keep whole seconds: less than that is the same moment.
  if (here === null || there === null || Math.abs(here - there) < 1000) return null
  return here > there ? 'here' : 'there'
}
