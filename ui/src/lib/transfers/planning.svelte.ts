/**
 * From a wish to a job: Rust looks at everything first, and what it found is shown unless it is small
 * and clean. What deletes, moves or syncs is always shown.
 */
import { asProblem, backend, type ItemChoice, type LeftOut, type OnConflict, type PlanView, type PlanWhat, type Problem } from '$lib/backend'
import { closeDialog, dialog, openDialog } from '$lib/frame/dialogs.svelte'
import { report, say, type LineAction } from '$lib/frame/notice.svelte'
import { changeSettings, current } from '$lib/frame/settings.svelte'
import { isLive, jobs, undoing } from './jobs.svelte'
import { stateWords } from './jobWords'

/** A plan that is made faster than this needs no dialog that says so. */
const SOON = 300

export interface Planning {
  ticket: string
  what: PlanWhat
  files: number
  bytes: number
}

let planning = $state.raw<Planning | null>(null)
let next = 0
let busy = false
interface Wish {
  what: PlanWhat
  /** Called when it runs; not when the user thinks better of it. */
  onran: (() => void) | undefined
}
const waiting: Wish[] = []
let stopWaiting: () => void = () => undefined

export const plans = {
  get making() {
    return planning
  },
}

function wordsFor(what: PlanWhat): string {
  return { upload: 'upload', download: 'download', delete: 'delete', rename: 'rename', stage: 'fetch', copy: what.kind === 'copy' && what.removeOriginals ? 'move' : 'copy', sync: 'sync', 'saved-sync': 'sync' }[what.kind]
}

export function planningTitle(what: PlanWhat): string {
  return `Looking at what to ${wordsFor(what)}…`
}

/** One at a time: what is asked for meanwhile waits its turn, and is not lost. */
export async function startPlan(what: PlanWhat, onran?: () => void): Promise<void> {
  waiting.push({ what, onran })
  if (busy) return
  busy = true
  try {
    for (let next = waiting.shift(); next; next = waiting.shift()) await makePlan(next)
  } finally {
    busy = false
  }
}

/** What takes something away, and a sync, which is looked at before it runs, is shown however small it is. */
function alwaysShown(what: PlanWhat): boolean {
  return ['delete', 'rename', 'sync', 'saved-sync'].includes(what.kind) || (what.kind === 'copy' && what.removeOriginals)
}

async function makePlan({ what, onran }: Wish): Promise<void> {
  const ticket = `plan-${Date.now()}-${next++}`
  planning = { ticket, what, files: 0, bytes: 0 }
  const soon = setTimeout(() => {
    if (planning?.ticket === ticket) void openDialog({ kind: 'planning' })
  }, SOON)
  const cancelled = new Promise<'cancelled'>((resolve) => (stopWaiting = () => resolve('cancelled')))
  /** False when it was cancelled: its answer is for nobody. */
  const over = () => {
    clearTimeout(soon)
    if (planning?.ticket !== ticket) return false
    planning = null
    if (dialog.open?.kind === 'planning') closeDialog()
    return true
  }
  const made = backend().call('plan', { ticket, what })
  try {
    const plan = await Promise.race([made, cancelled])
    if (plan === 'cancelled') {
      clearTimeout(soon)
      // A plan that was ready at that very moment.
      made.then(drop, () => undefined)
    } else if (!over()) void drop(plan)
    else if (plan.clean && !plan.blocked && !alwaysShown(what)) {
      if (await runPlan(plan)) onran?.()
    } else if (await openDialog({ kind: 'plan', plan, what })) onran?.()
  } catch (error) {
    if (over()) report(error)
  }
}

export function heardPlanning(ticket: string, files: number, bytes: number) {
  if (planning?.ticket === ticket) planning = { ...planning, files, bytes }
}

export function cancelPlanning() {
  if (!planning) return
  void backend().call('cancel_planning', planning.ticket).catch(() => undefined)
  planning = null
  stopWaiting()
  if (dialog.open?.kind === 'planning') closeDialog()
}

export async function drop(plan: PlanView) {
  await backend().call('drop_plan', plan.id).catch(() => undefined)
}

/** Offered while they are not shown. */
export const SHOW: LineAction = { label: 'Show', run: () => changeSettings({ showTransfers: true }), when: () => !current.settings.showTransfers }

/** All of a plan. */
export const NOTHING_LEFT_OUT: LeftOut = { copies: [], deletions: [], allDeletions: false }

/** What the user chose in the plan's dialog. */
export interface RunChoice {
  onConflict: OnConflict
  includeSame: boolean
  each: ItemChoice[]
  leftOut: LeftOut
}

/** Null when it runs; else why it does not. */
export async function tryRun(plan: PlanView, choice: RunChoice): Promise<Problem | null> {
  try {
    const job = await backend().call('run_plan', { plan: plan.id, ...choice })
    jobs.began(job)
    // Small and clean, it ran unasked: the way back stands where it is told, also beside the open panel.
    const actions: LineAction[] = plan.clean ? [undoing(job)] : []
    if (!current.settings.showTransfers) actions.push(SHOW)
    // A tiny one may have ended before its beginning is told of.
    const now = jobs.byId(job.id) ?? job
    if (actions.length) say(isLive(now) ? now.title : stateWords(now), actions)
    return null
  } catch (error) {
    return asProblem(error)
  }
}

async function runPlan(plan: PlanView): Promise<boolean> {
  const problem = await tryRun(plan, { onConflict: 'skip', includeSame: false, each: [], leftOut: NOTHING_LEFT_OUT })
  if (problem) report(problem)
  return problem === null
}
