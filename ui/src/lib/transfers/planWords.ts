/** A plan in words: what it comes to at a glance, and what its button says. */
import type { JobKind, OnConflict, PlanView } from '$lib/backend'
import { bytes, count, counted } from '$lib/frame/format'

/** Files that will really be moved with these choices; `skipped` of the conflicts are left as they are. */
export function moving(plan: PlanView, skipped: number, includeSame: boolean): number {
  if (plan.kind === 'delete' || plan.kind === 'rename') return plan.files
  // Of a sync, what is the same is not even in it.
  if (plan.kind === 'sync') return Math.max(0, plan.files - skipped)
  return Math.max(0, plan.files - (includeSame ? 0 : plan.same) - skipped)
}

/** On this computer they are files; in a store they are objects. */
function noun({ kind }: PlanView): string {
  return kind === 'upload' || kind === 'sync' ? 'file' : 'object'
}

const VERB: Record<JobKind, string> = {
  upload: 'will be sent',
  download: 'will be fetched',
  stage: 'will be fetched',
  delete: 'will be deleted',
  rename: 'will be copied to the new name, then deleted under the old one',
  copy: 'will be copied',
  move: 'will be copied; each original is deleted once its copy is there and checked',
  sync: 'will be copied',
  verify: 'will be looked at',
}

export function summary(plan: PlanView): string {
  if (plan.kind === 'sync' && plan.files === 0) return plan.deletes ? 'Nothing is to be copied.' : 'Both sides are the same.'
  const parts = [`${counted(plan.files, noun(plan))}, ${bytes(plan.bytes)}`]
  // A sync has gone through all folders, also those without anything to do.
  if (plan.folders && plan.kind !== 'sync') parts.push(`in ${counted(plan.folders, 'folder')}`)
  const same = plan.same && plan.kind !== 'sync' ? `; ${count(plan.same)} of them ${plan.same === 1 ? 'is' : 'are'} there already` : ` ${VERB[plan.kind]}`
  return `${parts.join(' ')}${same}.`
}

export interface Figure {
  label: string
  value: string
  hint: string
  tone?: 'warn' | 'danger' | 'quiet'
}

/** What it comes to, for those who read no further. */
export function figures(plan: PlanView): Figure[] {
  const all: Figure[] = []
  const add = (n: number, label: string, hint: string, tone?: Figure['tone']) => {
    if (n) all.push(tone ? { label, value: count(n), hint, tone } : { label, value: count(n), hint })
  }
  if (plan.kind === 'sync') {
    add(plan.files - plan.conflicts, 'new', 'only at the source: will be copied')
    add(plan.conflicts, 'changed', 'different at the destination: will be replaced', 'warn')
    add(plan.deletes, 'to delete', 'only at the destination: deleted there, if you say so below', 'danger')
    add(plan.kept, 'only there', 'only at the destination: left alone', 'quiet')
    add(plan.same, 'unchanged', 'the same on both sides: left alone', 'quiet')
  } else if (plan.same || plan.conflicts) {
    add(plan.files - plan.same - plan.conflicts, 'new', 'not there yet')
    add(plan.conflicts, plan.conflicts === 1 ? 'differs' : 'differ', 'there already, with other content: choose below', 'warn')
    add(plan.same, 'the same', 'there already, as far as can be told: skipped', 'quiet')
  }
  return all
}

/** Whether there is room, as far as it is known; null where it is not. */
export function roomWords({ room, bytes: needed, kind }: PlanView): { words: string; tight: boolean } | null {
  if (!room || kind === 'delete' || needed === 0) return null
  return { words: `${bytes(room.free)} free on ${room.of}`, tight: room.free < needed }
}

export interface ConflictChoice {
  value: OnConflict
  /** On a button of one row. */
  word: string
  label: string
  hint: string | null
}

export function conflictChoices(plan: PlanView): ConflictChoice[] {
  const there = plan.kind === 'download' ? 'on this computer' : 'in the bucket'
  return [
    { value: 'skip', word: 'Leave', label: 'Leave what is there', hint: null },
    { value: 'overwrite', word: 'Replace', label: 'Replace what is there', hint: plan.kind === 'download' ? null : 'The old ones are gone, unless the bucket keeps versions.' },
    { value: 'keep-both', word: 'Keep both', label: 'Keep both', hint: `The new ones get a number in their name ${there}.` },
  ]
}

export function conflictHeading({ conflicts }: PlanView): string {
  return conflicts === 1 ? 'One is there already, and is different:' : `${count(conflicts)} are there already, and are different:`
}

export function sidesOf({ kind }: PlanView): { here: string; there: string } {
  const here = { upload: 'To be sent', download: 'In the store', copy: 'To be copied', move: 'To be moved' }[kind as string] ?? 'At the source'
  return { here, there: 'There now' }
}

/** Why there would be nothing to do; null when there is something. */
export function nothingToDo(plan: PlanView, skipped: number, includeSame: boolean, deletions = 0): string | null {
  if (plan.kind === 'sync') return nothingToSync(plan, skipped, deletions)
  if (plan.files === 0 && plan.folders > 0) return null
  if (plan.files === 0) return 'There is nothing in it'
  return moving(plan, skipped, includeSame) > 0 ? null : 'Everything is there already'
}

function nothingToSync(plan: PlanView, skipped: number, deletions: number): string | null {
  if (moving(plan, skipped, false) > 0 || deletions > 0) return null
  // Folders that are to be there, and are empty.
  if (plan.files === 0 && plan.folders > 0 && plan.deletes === 0) return null
  if (plan.deletes > 0) return 'Say first that the deletions are meant'
  return plan.files > 0 ? 'All of it is left out' : 'Both sides are the same'
}

/** `deletions` of a sync are those that are meant. */
export function runLabel(plan: PlanView, skipped: number, includeSame: boolean, deletions = 0): string {
  const n = moving(plan, skipped, includeSame)
  const things = counted(n, noun(plan))
  if (n === 0 && plan.files > 0 && ['upload', 'download', 'copy', 'move'].includes(plan.kind)) return `Nothing to ${plan.kind}`
  switch (plan.kind) {
    case 'upload':
      return `Upload ${things}`
    case 'download':
    case 'stage':
      return `Download ${things}`
    case 'delete':
      return `Delete ${things}`
    case 'rename':
      return plan.files === 1 ? 'Rename' : `Rename ${things}`
    case 'copy':
      return `Copy ${things}`
    case 'move':
      return `Move ${things}`
    case 'sync':
      if (n === 0 && plan.deletes === 0) return 'Nothing to sync'
      return `Sync: ${[n ? `copy ${count(n)}` : '', plan.deletes ? `delete ${deletions ? count(deletions) : 'nothing'}` : ''].filter(Boolean).join(', ')}`
    case 'verify':
      return `Verify ${things}`
  }
}
