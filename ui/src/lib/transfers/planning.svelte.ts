/**
 * From a wish to a job: Rust looks at everything first, and what it found is shown unless it is small
 * and clean. Deleting and renaming are always shown.
 */
import { asProblem, backend, type ItemChoice, type OnConflict, type PlanView, type PlanWhat, type Problem } from '$lib/backend'
import { closeDialog, dialog, openDialog } from '$lib/frame/dialogs.svelte'
import { report, say } from '$lib/frame/notice.svelte'
import { changeSettings, current } from '$lib/frame/settings.svelte'
import { jobs } from './jobs.svelte'

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
const waiting: PlanWhat[] = []
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
export async function startPlan(what: PlanWhat): Promise<void> {
  waiting.push(what)
  if (busy) return
  busy = true
  try {
    for (let next = waiting.shift(); next; next = waiting.shift()) await makePlan(next)
  } finally {
    busy = false
  }
}

async function makePlan(what: PlanWhat): Promise<void> {
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
    else if (plan.clean && !plan.blocked && what.kind !== 'delete' && what.kind !== 'rename') await runPlan(plan)
    else await openDialog({ kind: 'plan', plan, what })
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

/** What the user chose in the plan's dialog. */
export interface RunChoice {
  onConflict: OnConflict
  includeSame: boolean
  each: ItemChoice[]
}

/** Null when it runs; else why it does not. */
export async function tryRun(plan: PlanView, choice: RunChoice): Promise<Problem | null> {
  try {
    const job = await backend().call('run_plan', { plan: plan.id, ...choice })
    jobs.began(job)
    if (!current.settings.showTransfers) say(job.title, { label: 'Show', run: () => changeSettings({ showTransfers: true }) })
    return null
  } catch (error) {
    return asProblem(error)
  }
}

async function runPlan(plan: PlanView) {
  const problem = await tryRun(plan, { onConflict: 'skip', includeSame: false, each: [] })
  if (problem) report(problem)
}
