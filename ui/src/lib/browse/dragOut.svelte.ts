/**
 * Dragging objects out to the desktop. A file must be on the disk before it can be dropped, so the
 * objects are fetched first while the button is down; who lets go earlier finds them ready to be
 * dragged, as a chip in the status line.
 */
import { backend, type JobView, type Problem, type Selection } from '$lib/backend'
import { asProblem } from '$lib/backend'
import { isLive, jobs } from '$lib/transfers/jobs.svelte'
import { report } from '$lib/frame/notice.svelte'

/** A mouse that moves less than this has been clicked, not dragged. */
export const THRESHOLD = 6

type Stage = { items: number; selection: Selection } & ({ step: 'looking' } | { step: 'fetching' | 'ready'; job: string })

let stage = $state.raw<Stage | null>(null)
/** The mouse button is still down. */
let held = $state(false)
let pointer = $state.raw({ x: 0, y: 0 })
/** The desktop has the drag. */
let outside = $state(false)
/** Over a folder of the window that would take it: the desktop does not get it now. */
let aimed = false
let given: Selection | null = null
let round = 0

export const dragOut = {
  get stage() {
    return stage
  },
  get held() {
    return held
  },
  get pointer() {
    return pointer
  },
  get outside() {
    return outside
  },
  /** What the desktop has: the window's own objects may come back over it. */
  get given(): Selection | null {
    return outside ? given : null
  },
  get job(): JobView | null {
    return stage && 'job' in stage ? jobs.byId(stage.job) : null
  },
}

interface Follow {
  /** It has become a drag. */
  begin: () => void
  move?: (event: MouseEvent) => void
  /** With the event of the release; without, when it was lost or given up. */
  end?: (event: MouseEvent | null) => void
}

/** Follows a press until it is released. */
export function press(down: MouseEvent, follow: Follow) {
  const from = { x: down.clientX, y: down.clientY }
  let begun = false
  const move = (event: MouseEvent) => {
    pointer = { x: event.clientX, y: event.clientY }
    // The button was released outside, where nobody told us.
    if (begun && event.buttons === 0) return stop(null)
    if (!begun && Math.hypot(event.clientX - from.x, event.clientY - from.y) <= THRESHOLD) return
    if (!begun) {
      begun = held = true
      follow.begin()
    }
    follow.move?.(event)
  }
  const release = (event: MouseEvent) => stop(event)
  const lost = () => stop(null)
  const escape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !begun) return
    event.preventDefault()
    event.stopPropagation()
    stop(null)
  }
  const stop = (event: MouseEvent | null) => {
    held = false
    window.removeEventListener('mousemove', move)
    window.removeEventListener('mouseup', release)
    window.removeEventListener('blur', lost)
    window.removeEventListener('keydown', escape, true)
    if (begun) follow.end?.(event)
  }
  window.addEventListener('mousemove', move)
  window.addEventListener('mouseup', release)
  window.addEventListener('blur', lost)
  window.addEventListener('keydown', escape, true)
}

/** Whether it is over a folder of the window that would take it. */
export function aim(on: boolean) {
  aimed = on
  if (!on) handOverWhenReady()
}

/** A part of what is dragged is not handed over in silence. */
function handOverWhenReady() {
  if (!held || aimed || outside || stage?.step !== 'ready' || jobs.byId(stage.job)?.state !== 'done') return
  void handOver(stage.job).then(forgetDragOut)
}

async function handOver(job: string) {
  outside = true
  given = stage?.selection ?? null
  try {
    await backend().shell('drag_out', job)
  } catch (error) {
    report(error)
  } finally {
    // Hearing of our own drag entering the window may come a moment after it ended.
    setTimeout(() => (outside = false), 300)
  }
}

/** Begins to fetch what is dragged. */
export async function beginDragOut(selection: Selection, items: number) {
  const mine = ++round
  stage = { step: 'looking', items, selection }
  const fail = (problem: Problem) => {
    if (mine === round) stage = null
    report(problem)
  }
  try {
    const plan = await backend().call('plan', { ticket: `drag-${mine}-${Date.now()}`, what: { kind: 'stage', selection } })
    if (plan.blocked) return fail(plan.blocked)
    if (mine !== round) {
      void backend().call('drop_plan', plan.id).catch(() => undefined)
      return
    }
    const job = await backend().call('run_plan', { plan: plan.id, onConflict: 'overwrite', includeSame: true, each: [] })
    jobs.began(job)
    if (mine === round) stage = { step: 'fetching', job: job.id, items, selection }
    watch()
  } catch (error) {
    fail(asProblem(error))
  }
}

/** Called whenever jobs have changed. */
export function watch() {
  if (stage?.step !== 'fetching') return
  const job = jobs.byId(stage.job)
  if (!job || isLive(job)) return
  if (job.state === 'done' || (job.state === 'partial' && job.filesDone > 0)) {
    stage = { ...stage, step: 'ready' }
    handOverWhenReady()
  } else {
    stage = null
    if (job.problem) report(job.problem)
  }
}

/** The chip: fetched already, so the desktop gets it at once. */
export function dragReady(down: MouseEvent) {
  if (stage?.step !== 'ready') return
  const { job } = stage
  press(down, { begin: () => void handOver(job) })
}

export function forgetDragOut() {
  round++
  if (stage?.step === 'fetching') void backend().call('cancel_job', stage.job).catch(report)
  stage = null
}
