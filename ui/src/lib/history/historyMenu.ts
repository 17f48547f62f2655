/** What can be done with an entry of the history. */
import FolderOpen from '@lucide/svelte/icons/folder-open'
import List from '@lucide/svelte/icons/list'
import RotateCw from '@lucide/svelte/icons/rotate-cw'
import Trash2 from '@lucide/svelte/icons/trash-2'
import Undo2 from '@lucide/svelte/icons/undo-2'
import type { JobView } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { changeSettings } from '$lib/frame/settings.svelte'
import type { MenuEntry } from '$lib/parts/menu'
import { jobs } from '$lib/transfers/jobs.svelte'
import { canRetry, receiptEntries, retryLabel, show, showLabel } from '$lib/transfers/jobMenu'

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
  if (canRetry(job)) entries.push({ label: retryLabel(job), icon: RotateCw, run: () => void shown(jobs.retry(job.id)) })
  if (job.undo) entries.push({ label: 'Undo', icon: Undo2, run: () => void shown(jobs.undo(job.id)) })
  entries.push('line', { label: 'Forget…', icon: Trash2, danger: true, run: () => void openDialog({ kind: 'forget-history', job }) })
  return entries
}

/** It is in the queue again: that is where it is to be seen. */
async function shown(begun: Promise<void>) {
  await begun
  changeSettings({ showTransfers: true })
}
