/**
 * Multipart uploads of a bucket that were begun and never finished, and which of them shall go. Those
 * that a transfer of this computer still uses cannot be chosen.
 */
import { SvelteSet } from 'svelte/reactivity'
import { asProblem, backend, type BucketRef, type Cleaned, type Problem, type UnfinishedView } from '$lib/backend'

/** Somebody may still be at it on another computer. */
export const RECENT = 24 * 3_600_000

export interface Sum {
  uploads: number
  bytes: number
  /** Some of them do not say how much they hold. */
  unsure: boolean
  recent: number
}

export class Unfinished {
  uploads = $state.raw<UnfinishedView[] | null>(null)
  problem = $state.raw<Problem | null>(null)
  /** The question, once they were chosen. */
  asking = $state(false)
  cleaning = $state(false)
  /** How the last cleaning went, and what it was about. */
  cleaned = $state.raw<{ answer: Cleaned; freed: number } | null>(null)
  readonly chosen = new SvelteSet<string>()

  constructor(
    readonly bucket: BucketRef,
    private readonly now: () => number = Date.now,
  ) {}

  async load() {
    this.problem = null
    try {
      const { uploads } = await backend().call('unfinished_uploads', this.bucket)
      // The oldest first: they are the ones that nobody comes back for. Those of unknown age last.
      this.uploads = [...uploads].sort((a, b) => (a.started ?? Infinity) - (b.started ?? Infinity) || 0)
      const there = new Set(this.uploads.map(({ upload }) => upload))
      for (const upload of this.chosen) if (!there.has(upload)) this.chosen.delete(upload)
    } catch (error) {
      this.problem = asProblem(error)
    }
  }

  get free(): UnfinishedView[] {
    return (this.uploads ?? []).filter(({ job }) => job === null)
  }

  get all(): boolean {
    return this.free.length > 0 && this.chosen.size === this.free.length
  }

  toggle({ upload, job }: UnfinishedView) {
    if (job !== null) return
    if (!this.chosen.delete(upload)) this.chosen.add(upload)
  }

  toggleAll() {
    if (this.all) return this.chosen.clear()
    for (const { upload } of this.free) this.chosen.add(upload)
  }

  sum(of: 'all' | 'chosen'): Sum {
    const some = (this.uploads ?? []).filter(({ upload }) => of === 'all' || this.chosen.has(upload))
    return {
      uploads: some.length,
      bytes: some.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
      unsure: some.some(({ bytes }) => bytes === null),
      recent: some.filter(({ started }) => started !== null && this.now() - started < RECENT).length,
    }
  }

  async clean() {
    if (this.cleaning) return
    const chosen = this.free.filter(({ upload }) => this.chosen.has(upload))
    this.cleaning = true
    this.problem = null
    try {
      const uploads = chosen.map(({ key, upload }) => ({ key, upload }))
      const answer = await backend().call('clean_uploads', { ...this.bucket, uploads })
      const before = chosen.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)
      await this.load()
      // What is still there was not freed.
      const left = new Set((this.uploads ?? []).map(({ upload }) => upload))
      const remains = chosen.filter(({ upload }) => left.has(upload)).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)
      this.cleaned = { answer, freed: before - remains }
      this.chosen.clear()
    } catch (error) {
      this.problem = asProblem(error)
    } finally {
      this.asking = false
      this.cleaning = false
    }
  }
}
