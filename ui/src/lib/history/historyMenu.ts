/** What can be done with an entry of the history. */
import FolderOpen from '@lucide/svelte/icons/folder-open'
import List from '@lucide/svelte/icons/list'
import Trash2 from '@lucide/svelte/icons/trash-2'
import Undo2 from '@lucide/svelte/icons/undo-2'
import type { JobView } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { changeSettings } from '$lib/frame/settings.svelte'
import type { MenuEntry } from '$lib/parts/menu'
import { jobs } from '$lib/transfers/jobs.svelte'
import { receiptEntries, show, showLabel } from '$lib/transfers/jobMenu'

/** Enter or a double click: what failed, where something did; else what arrived. */
export function openEntry(job: JobView) {
  if (job.filesFailed === 0 && job.receipts) showReceipts(job)
  else files(job)
}

export function showReceipts(job: JobView) {
  const receipts = receiptEntries(job)[0]
  if (receipts && receipts !== 'line') receipts.run()
}

function files(job: JobView) {
  void openDialog({ kind: 'job-files', job })
}

export function historyMenu(job: JobView): MenuEntry[] {
  const entries = receiptEntries(job)
  entries.unshift({ label: 'Files…', icon: List, run: () => files(job) })
  const label = showLabel(job)
  if (label) entries.push({ label, icon: FolderOpen, run: () => show(job) })
  if (job.undo) entries.push({ label: 'Undo', icon: Undo2, run: () => void undo(job) })
  entries.push('line', { label: 'Forget…', icon: Trash2, danger: true, run: () => void openDialog({ kind: 'forget-history', job }) })
  return entries
}

async function undo(job: JobView) {
  await jobs.undo(job.id)
  changeSettings({ showTransfers: true })
}
