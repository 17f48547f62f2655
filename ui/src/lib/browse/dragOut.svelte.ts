/**
 * Dragging objects out to the desktop. A file must be on the disk before another program gets it. What is
 * small is fetched as soon as it is dragged at all, and the desktop gets the drag the moment the pointer
 * leaves the window: a quick hand lets go before the last byte, and Rust waits for it. What is larger is
 * fetched once the desktop is meant and handed over when it is there; who lets go earlier finds it ready
 * to be dragged, as a chip in the status line.
 */
import { backend, type JobView, type Problem, type Selection } from '$lib/backend'
import { asProblem } from '$lib/backend'
import { isLive, jobs } from '$lib/transfers/jobs.svelte'
import { NOTHING_LEFT_OUT } from '$lib/transfers/planning.svelte'
import { report } from '$lib/frame/notice.svelte'

/** A mouse that moves less than this has been clicked, not dragged. */
export const THRESHOLD = 6

interface Fetch {
  items: number
  selection: Selection
  /** Small enough to be there in a moment. */
  soon: boolean
  /** Nobody knows yet whether the desktop is meant, so nothing is said of it. */
  ahead: boolean
  /** The button was let go before it was there. */
  late: boolean
  /** Another program has it, and may still be reading. */
  given: boolean
}
type Stage = Fetch & ({ step: 'looking' } | { step: 'fetching' | 'ready'; job: string } | { step: 'failed'; problem: Problem })

let stage = $state.raw<Stage | null>(null)
/** The mouse button is still down. */
let held = $state(false)
let pointer = $state.raw({ x: 0, y: 0 })
/** The desktop has the drag. */
let outside = $state(false)
/** Over a folder of the window that would take it: the desktop does not get it now. */
let aimed = false
/** The pointer is out of the window, with the button down. */
let left = false
let given: Selection | null = null
let round = 0

export const dragOut = {
  /** What there is to say. */
  get stage() {
    return stage?.ahead || stage?.step === 'failed' ? null : stage
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
      left = false
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
  if (!held || aimed || outside || !stage || stage.ahead || !('job' in stage)) return
  const whole = stage.step === 'ready' && jobs.byId(stage.job)?.state === 'done'
  if (!whole && !(stage.soon && left)) return
  const mine = round
  void handOver(stage.job).then((got) => {
    if (mine !== round) return
    // The other program may be reading the files: they stay until the next start.
    if (got) stage = null
    else keep()
  })
}

/** Whether the desktop got it, or the user took it back. */
async function handOver(job: string): Promise<boolean> {
  outside = true
  given = stage?.selection ?? null
  try {
    return await backend().shell('drag_out', job)
  } catch (error) {
    report(error)
    return false
  } finally {
    // The drag was the desktop's, which kept the release for itself.
    if (stage?.step === 'ready') held = false
    // Hearing of our own drag entering the window may come a moment after it ended.
    setTimeout(() => (outside = false), 300)
  }
}

/** The button was let go, and the desktop has nothing of it: it stays, to be dragged once more. */
function keep() {
  if (stage && stage.step !== 'ready') stage = { ...stage, late: true }
}

/** Small things are fetched before it is known where they go: nothing is said of it until they go out. */
export function fetchAhead(selection: Selection, items: number) {
  void fetchStage({ selection, items, soon: true, ahead: true, late: false, given: false })
}

/** The desktop is meant. `out`: the pointer is there already. */
export function beginDragOut(selection: Selection, items: number, out: boolean) {
  left = out
  if (!stage?.ahead) void fetchStage({ selection, items, soon: false, ahead: false, late: false, given: false })
  else if (stage.step === 'failed') {
    report(stage.problem)
    stage = null
  } else {
    stage = { ...stage, ahead: false }
    handOverWhenReady()
  }
}

/** The pointer has left the window with what is being fetched. */
export function goOut() {
  if (left) return
  left = true
  handOverWhenReady()
}

/** The drag is over for the window. What was only fetched in case goes. */
export function endDragOut(released: boolean) {
  if (outside) return
  if (stage?.ahead) forgetDragOut()
  else if (released) keep()
}

/** Begins to fetch what is dragged. */
async function fetchStage(what: Fetch) {
  forgetDragOut()
  const mine = round
  stage = { ...what, step: 'looking' }
  const fail = (problem: Problem) => {
    if (mine !== round || !stage) return
    if (stage.ahead) stage = { ...stage, step: 'failed', problem }
    else {
      stage = null
      report(problem)
    }
  }
  try {
    const plan = await backend().call('plan', { ticket: `drag-${mine}-${Date.now()}`, what: { kind: 'stage', selection: what.selection } })
    if (plan.blocked) return fail(plan.blocked)
    if (mine !== round || !stage) {
      void backend().call('drop_plan', plan.id).catch(() => undefined)
      return
    }
    const job = await backend().call('run_plan', { plan: plan.id, onConflict: 'overwrite', includeSame: true, each: [], leftOut: NOTHING_LEFT_OUT })
    if (mine !== round) {
      void backend().call('cancel_job', job.id).catch(report)
      return
    }
    jobs.began(job)
    stage = { ...stage, step: 'fetching', job: job.id }
    handOverWhenReady()
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
  } else if (stage.ahead && job.problem) stage = { ...stage, step: 'failed', problem: job.problem }
  else {
    stage = null
    if (job.problem) report(job.problem)
  }
}

/** The chip: fetched already, so the desktop gets it at once. */
export function dragReady(down: MouseEvent) {
  if (stage?.step !== 'ready') return
  const { job } = stage
  const mine = round
  const begin = async () => {
    if ((await handOver(job)) && mine === round && stage) stage = { ...stage, given: true }
  }
  press(down, { begin: () => void begin() })
}

/** Its files go too, unless another program has them. */
export function forgetDragOut() {
  round++
  if (stage && 'job' in stage && !stage.given) void backend().call('cancel_job', stage.job).catch(report)
  stage = null
}
