/**
 * The queue and what has ended in this session. Each job has a box of its own, so that five updates a
 * second of one job redraw one row. The order is Rust's: it is asked for whenever it changed.
 */
import { SvelteMap } from 'svelte/reactivity'
import { backend, type JobState, type JobView, type QueuePlace } from '$lib/backend'
import { report, type LineAction } from '$lib/frame/notice.svelte'
import { Rates } from './rates.svelte'

/** Not ended: it has a place in the queue. */
export function isLive({ state }: { state: JobState }): boolean {
  return state === 'waiting' || state === 'running' || state === 'paused'
}

export class JobBox {
  view: JobView = $state.raw() as JobView
  readonly rates = new Rates()
  constructor(view: JobView) {
    this.view = view
  }
}

type JobCommand = 'cancel_job' | 'retry_job' | 'pause_job' | 'resume_job'

class Jobs {
  #boxes = new SvelteMap<string, JobBox>()
  /** As Rust said last; who came since is behind. */
  #order = $state.raw<string[]>([])
  #ended = new Set<(job: JobView) => void>()
  #asking = false
  #askAgain = false
  /** For each list that is being asked for: who was heard of since, and is newer than the answer. */
  #since = new Set<Set<string>>()
  #tick: ReturnType<typeof setInterval> | undefined
  /** The rate of everything that runs. */
  readonly rates = new Rates()

  #all = $derived.by(() => {
    const place = new Map(this.#order.map((id, i) => [id, i]))
    const last = this.#order.length
    return [...this.#boxes.values()].sort((a, b) => (place.get(a.view.id) ?? last) - (place.get(b.view.id) ?? last))
  })
  /** Running, waiting and paused, in their order. */
  queue = $derived(this.#all.filter((box) => isLive(box.view)))
  /** Ended in this session, newest first. */
  over = $derived(this.#all.filter((box) => !isLive(box.view)).sort((a, b) => (b.view.ended ?? 0) - (a.view.ended ?? 0)))

  running = $derived(this.#count('running'))
  waiting = $derived(this.#count('waiting'))
  paused = $derived(this.#count('paused'))
  rate = $derived(this.queue.reduce((sum, { view }) => sum + (view.state === 'running' ? view.rate : 0), 0))
  /** Ended, and not well. */
  failed = $derived(this.over.filter(({ view }) => view.state === 'failed' || view.state === 'partial').length)

  #count(state: JobState): number {
    return this.queue.filter((box) => box.view.state === state).length
  }

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
      const was = box === undefined || isLive(box.view)
      if (box) box.view = view
      else this.#boxes.set(view.id, new JobBox(view))
      for (const ids of this.#since) ids.add(view.id)
      if (was && !isLive(view)) this.#ended.forEach((hear) => hear(view))
    }
    this.#sample()
  }

  /** All of them anew, in their order. Asked again while it is being asked: once more, afterwards. */
  async load() {
    if (this.#asking) {
      this.#askAgain = true
      return
    }
    this.#asking = true
    try {
      do {
        this.#askAgain = false
        await this.#arrange(backend().call('jobs'))
      } while (this.#askAgain)
    } finally {
      this.#asking = false
    }
  }

  /** The queue has another order, or jobs came or went. */
  async changed() {
    await this.load().catch(report)
  }

  async #arrange(asked: Promise<JobView[]>) {
    const newer = new Set<string>()
    this.#since.add(newer)
    try {
      const all = await asked
      const there = new Set(all.map(({ id }) => id))
      for (const id of [...this.#boxes.keys()]) if (!there.has(id) && !newer.has(id)) this.#boxes.delete(id)
      this.#order = all.map(({ id }) => id)
      for (const view of all) {
        const box = this.#boxes.get(view.id)
        if (!box) this.#boxes.set(view.id, new JobBox(view))
        else if (!newer.has(view.id)) box.view = view
      }
      this.#sample()
    } finally {
      this.#since.delete(newer)
    }
  }

  /** A second is a second, also when nothing is heard: a line that stands still is drawn so. */
  #sample() {
    if (this.running === 0) {
      clearInterval(this.#tick)
      this.#tick = undefined
    }
    if (this.#tick !== undefined || this.running === 0) return
    this.#tick = setInterval(() => {
      for (const { view, rates } of this.queue) if (view.state === 'running') rates.add(view.rate)
      this.rates.add(this.rate)
    }, 1000)
  }

  async #ask(command: JobCommand, id: string) {
    try {
      this.heard([await backend().call(command, id)])
    } catch (error) {
      report(error)
    }
  }

  cancel = (id: string) => this.#ask('cancel_job', id)
  retry = (id: string) => this.#ask('retry_job', id)
  pause = (id: string) => this.#ask('pause_job', id)
  resume = (id: string) => this.#ask('resume_job', id)

  /** Those that wait come first, from the end: else each pause would let the next one begin. */
  async pauseAll() {
    const waiting = this.queue.filter(({ view }) => view.state === 'waiting').reverse()
    const running = this.queue.filter(({ view }) => view.state === 'running')
    for (const { view } of [...waiting, ...running]) await this.pause(view.id)
  }

  async resumeAll() {
    for (const { view } of this.queue.filter(({ view }) => view.state === 'paused')) await this.resume(view.id)
  }

  async move(job: string, to: QueuePlace) {
    try {
      await this.#arrange(backend().call('move_job', { job, to }))
    } catch (error) {
      report(error)
    }
  }

  /** Takes away what a job made; that is a job too. */
  async undo(id: string) {
    try {
      this.began(await backend().call('undo_job', id))
    } catch (error) {
      report(error)
    }
  }

  async clearEnded() {
    try {
      await backend().call('forget_jobs')
      for (const [id, { view }] of [...this.#boxes]) if (!isLive(view)) this.#boxes.delete(id)
    } catch (error) {
      report(error)
    }
  }
}

export const jobs = new Jobs()

/** For the line that tells of a job: offered while what it made can be taken away. */
export function undoing({ id }: JobView): LineAction {
  return { label: 'Undo', run: () => void jobs.undo(id), when: () => jobs.byId(id)?.undo ?? false }
}
