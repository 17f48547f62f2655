/**
 * Dragging objects out to the desktop. A file must be on the disk before it can be dropped, so the
 * objects are fetched first while the button is down; who lets go earlier finds them ready to be
 * dragged, as a chip in the status line.
 */
import { backend, type JobView, type Problem, type Selection } from '$lib/backend'
import { asProblem } from '$lib/backend'
import { jobs } from '$lib/transfers/jobs.svelte'
import { report } from '$lib/frame/notice.svelte'

/** A mouse that moves less than this has been clicked, not dragged. */
export const THRESHOLD = 6

type Stage =
  | { step: 'looking'; items: number }
  | { step: 'fetching'; job: string; items: number }
  | { step: 'ready'; job: string; items: number }

let stage = $state.raw<Stage | null>(null)
/** The mouse button is still down. */
let held = $state(false)
let pointer = $state.raw({ x: 0, y: 0 })
/** The desktop has the drag. */
let outside = $state(false)
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
  get job(): JobView | null {
    return stage && 'job' in stage ? jobs.byId(stage.job) : null
  },
}

/** Follows a press until it is released; `begin` runs when it has become a drag. */
export function press(down: MouseEvent, begin: () => void) {
  const from = { x: down.clientX, y: down.clientY }
  let begun = false
  const move = (event: MouseEvent) => {
    pointer = { x: event.clientX, y: event.clientY }
    // The button was released outside, where nobody told us.
    if (begun && event.buttons === 0) return end()
    if (begun || Math.hypot(event.clientX - from.x, event.clientY - from.y) <= THRESHOLD) return
    begun = held = true
    begin()
  }
  const end = () => {
    held = false
    window.removeEventListener('mousemove', move)
    window.removeEventListener('mouseup', end)
    window.removeEventListener('blur', end)
  }
  window.addEventListener('mousemove', move)
  window.addEventListener('mouseup', end)
  window.addEventListener('blur', end)
}

async function handOver(job: string) {
  outside = true
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
  stage = { step: 'looking', items }
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
    if (mine === round) stage = { step: 'fetching', job: job.id, items }
    watch()
  } catch (error) {
    fail(asProblem(error))
  }
}

/** Called whenever jobs have changed. */
export function watch() {
  if (stage?.step !== 'fetching') return
  const job = jobs.byId(stage.job)
  if (!job || job.state === 'running') return
  if (job.state === 'done' || (job.state === 'partial' && job.filesDone > 0)) {
    stage = { ...stage, step: 'ready' }
    // A part of it is not handed over in silence.
    if (held && job.state === 'done') void handOver(stage.job).then(forgetDragOut)
  } else {
    stage = null
    if (job.problem) report(job.problem)
  }
}

/** The chip: fetched already, so the desktop gets it at once. */
export function dragReady(down: MouseEvent) {
  if (stage?.step !== 'ready') return
  const { job } = stage
  press(down, () => void handOver(job))
}

export function forgetDragOut() {
  round++
  if (stage?.step === 'fetching') void backend().call('cancel_job', stage.job).catch(report)
  stage = null
}
