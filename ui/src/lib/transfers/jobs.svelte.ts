/**
 * The jobs of this session. Each has a box of its own, so that ten updates a second of one job redraw
 * one row.
 */
import { SvelteMap } from 'svelte/reactivity'
import { backend, type JobView } from '$lib/backend'
import { report } from '$lib/frame/notice.svelte'

export class JobBox {
  view: JobView = $state.raw() as JobView
  constructor(view: JobView) {
    this.view = view
  }
}

class Jobs {
  #boxes = new SvelteMap<string, JobBox>()
  #ended = new Set<(job: JobView) => void>()

  /** Newest first. */
  list = $derived([...this.#boxes.values()].reverse())

  running = $derived(this.list.filter((box) => box.view.state === 'running').length)
  rate = $derived(this.list.reduce((sum, { view }) => sum + (view.state === 'running' ? view.rate : 0), 0))
  /** Ended, and not well. */
  failed = $derived(this.list.filter(({ view }) => view.state === 'failed' || view.state === 'partial').length)

  byId(id: string): JobView | null {
    return this.#boxes.get(id)?.view ?? null
  }

  /** Calls back when a job ends while one watches. */
  onEnded(hear: (job: JobView) => void): () => void {
    this.#ended.add(hear)
    return () => this.#ended.delete(hear)
  }

  /** The answer to `run_plan`: events about the job may have overtaken it. */
  began(view: JobView) {
    if (!this.#boxes.has(view.id)) this.heard([view])
  }

  heard(views: JobView[]) {
    for (const view of views) {
      const box = this.#boxes.get(view.id)
      if (!box) {
        this.#boxes.set(view.id, new JobBox(view))
        if (view.state !== 'running') this.#ended.forEach((hear) => hear(view))
        continue
      }
      const was = box.view.state
      box.view = view
      if (was === 'running' && view.state !== 'running') this.#ended.forEach((hear) => hear(view))
    }
  }

  async load() {
    const all = await backend().call('jobs')
    for (const view of [...all].reverse()) this.#boxes.set(view.id, new JobBox(view))
  }

  async cancel(id: string) {
    try {
      this.heard([await backend().call('cancel_job', id)])
    } catch (error) {
      report(error)
    }
  }

  async retry(id: string) {
    try {
      const view = await backend().call('retry_job', id)
      const box = this.#boxes.get(view.id)
      if (box) box.view = view
      else this.#boxes.set(view.id, new JobBox(view))
    } catch (error) {
      report(error)
    }
  }

  async clearEnded() {
    try {
      await backend().call('forget_jobs')
      for (const [id, { view }] of [...this.#boxes]) if (view.state !== 'running') this.#boxes.delete(id)
    } catch (error) {
      report(error)
    }
  }
}

export const jobs = new Jobs()
