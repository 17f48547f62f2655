/** A plan in words: what it sums up to, and what its button says. */
import type { OnConflict, PlanView } from '$lib/backend'
import { bytes, count, counted } from '$lib/frame/format'

/** Files that will really be moved with these choices. */
export function moving(plan: PlanView, onConflict: OnConflict, includeSame: boolean): number {
  if (plan.kind === 'delete' || plan.kind === 'rename') return plan.files
  return Math.max(0, plan.files - (includeSame ? 0 : plan.same) - (onConflict === 'skip' ? plan.conflicts : 0))
}

export function summary(plan: PlanView): string {
  const noun = plan.kind === 'upload' ? 'file' : 'object'
  const parts = [`${counted(plan.files, noun)}, ${bytes(plan.bytes)}`]
  if (plan.folders) parts.push(`in ${counted(plan.folders, 'folder')}`)
  const verb = { upload: 'will be sent', download: 'will be fetched', stage: 'will be fetched', delete: 'will be deleted', rename: 'will be copied to the new name, then deleted under the old one', copy: 'will be copied', move: 'will be copied, then deleted where they are now', sync: 'will be made the same', verify: 'will be looked at' }[plan.kind]
  const same = plan.same ? `; ${count(plan.same)} of them ${plan.same === 1 ? 'is' : 'are'} there already` : ` ${verb}`
  return `${parts.join(' ')}${same}.`
}

export function conflictChoices(plan: PlanView): { value: OnConflict; label: string; hint: string | null }[] {
  const there = plan.kind === 'download' ? 'on this computer' : 'in the bucket'
  return [
    { value: 'skip', label: 'Leave what is there', hint: null },
    { value: 'overwrite', label: 'Replace what is there', hint: plan.kind === 'download' ? null : 'The old ones are gone, unless the bucket keeps versions.' },
    { value: 'keep-both', label: 'Keep both', hint: `The new ones get a number in their name ${there}.` },
  ]
}

/** Why there would be nothing to do; null when there is something. */
export function nothingToDo(plan: PlanView, onConflict: OnConflict, includeSame: boolean): string | null {
  if (plan.files === 0 && plan.folders > 0) return null
  if (plan.files === 0) return 'There is nothing in it'
  return moving(plan, onConflict, includeSame) === 0 ? 'Everything is there already' : null
}

export function runLabel(plan: PlanView, onConflict: OnConflict, includeSame: boolean): string {
  const n = moving(plan, onConflict, includeSame)
  if (n === 0 && plan.files > 0 && (plan.kind === 'upload' || plan.kind === 'download')) return `Nothing to ${plan.kind}`
  switch (plan.kind) {
    case 'upload':
      return `Upload ${counted(n, 'file')}`
    case 'download':
    case 'stage':
      return `Download ${counted(n, 'object')}`
    case 'delete':
      return `Delete ${counted(plan.files, 'object')}`
    case 'rename':
      return plan.files === 1 ? 'Rename' : `Rename ${counted(plan.files, 'object')}`
    case 'copy':
      return `Copy ${counted(n, 'object')}`
    case 'move':
      return `Move ${counted(n, 'object')}`
    case 'sync':
      return 'Sync'
    case 'verify':
      return `Verify ${counted(n, 'object')}`
  }
}
