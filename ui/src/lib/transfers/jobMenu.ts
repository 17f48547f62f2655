/** What can be done to a job: in its menu, here and in the history. */
import ArrowDown from '@lucide/svelte/icons/arrow-down'
import ArrowUp from '@lucide/svelte/icons/arrow-up'
import FolderOpen from '@lucide/svelte/icons/folder-open'
import Pause from '@lucide/svelte/icons/pause'
import Play from '@lucide/svelte/icons/play'
import ReceiptText from '@lucide/svelte/icons/receipt-text'
import RotateCw from '@lucide/svelte/icons/rotate-cw'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import Undo2 from '@lucide/svelte/icons/undo-2'
import X from '@lucide/svelte/icons/x'
import Zap from '@lucide/svelte/icons/zap'
import { backend, type JobView, type QueuePlace, type VerifySide } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { navigate } from '$lib/frame/navigation.svelte'
import { report } from '$lib/frame/notice.svelte'
import { shortcut } from '$lib/frame/platform.svelte'
import { changeSettings } from '$lib/frame/settings.svelte'
import type { MenuEntry } from '$lib/parts/menu'
import { isLive, jobs } from './jobs.svelte'

export function canRetry({ state }: JobView): boolean {
  return state === 'failed' || state === 'partial' || state === 'cancelled'
}

/** Some files failed: only those are tried. All of them, when it was stopped as a whole. */
export function retryLabel({ state }: JobView): string {
  return state === 'partial' ? 'Try what failed again' : 'Try again'
}

/** Null where there is nothing to show of it. */
export function showLabel(job: JobView): string | null {
  if (job.kind === 'delete' || job.kind === 'verify' || job.kind === 'stage') return null
  if (job.kind === 'download') return job.filesDone > 0 ? 'Show in the file manager' : null
  return 'Show in the bucket'
}

export function show(job: JobView) {
  if (job.kind === 'download') backend().shell('show_download', job.id).catch(report)
  else navigate(job.to ?? job.location)
}

/** Looks again at what arrived; how that goes is shown among the transfers. */
export async function verifyAgain(job: string, side: VerifySide) {
  try {
    jobs.began(await backend().call('verify', { kind: 'job', job, side }))
    changeSettings({ showTransfers: true })
  } catch (error) {
    report(error)
  }
}

/** Between buckets nothing of it is on this computer. */
function onComputer({ kind }: JobView): boolean {
  return kind === 'upload' || kind === 'download' || kind === 'sync'
}

export function receiptEntries(job: JobView): MenuEntry[] {
  if (!job.receipts) return []
  const entries: MenuEntry[] = [
    { label: 'Receipts…', icon: ReceiptText, run: () => void openDialog({ kind: 'receipts', job: job.id, title: job.title, local: onComputer(job) }) },
    { label: 'Verify again in the store', icon: ShieldCheck, run: () => void verifyAgain(job.id, 'store') },
    { label: 'Verify again in the store, every byte', icon: ShieldCheck, run: () => void verifyAgain(job.id, 'store-read') },
  ]
  if (onComputer(job)) entries.push({ label: 'Verify again on this computer', icon: ShieldCheck, run: () => void verifyAgain(job.id, 'computer') })
  return entries
}

/** Of a job in the queue or one that has just ended. `move` may want to keep the focus where it is. */
export function jobMenu(job: JobView, move: (to: QueuePlace) => void): MenuEntry[] {
  const groups: MenuEntry[][] = [[], [], [], []]
  const [steer, order, look, receipts] = groups as [MenuEntry[], MenuEntry[], MenuEntry[], MenuEntry[]]
  if (job.state === 'paused') steer.push({ label: 'Resume', icon: Play, run: () => void jobs.resume(job.id) })
  else if (isLive(job)) steer.push({ label: 'Pause', icon: Pause, run: () => void jobs.pause(job.id) })
  if (canRetry(job)) steer.push({ label: retryLabel(job), icon: RotateCw, run: () => void jobs.retry(job.id) })
  if (isLive(job)) steer.push({ label: 'Cancel', icon: X, run: () => void jobs.cancel(job.id) })
  if (job.undo) steer.push({ label: 'Undo', icon: Undo2, run: () => void jobs.undo(job.id) })

  if (isLive(job)) {
    const at = jobs.queue.findIndex((box) => box.view.id === job.id)
    const first = at === 0 ? 'It is the first' : null
    const last = at === jobs.queue.length - 1 ? 'It is the last' : null
    order.push(
      { label: 'Run first', icon: Zap, reason: job.state === 'running' ? 'It runs' : null, run: () => move('now') },
      { label: 'Move up', icon: ArrowUp, shortcut: shortcut('Alt+Up'), reason: first, run: () => move('up') },
      { label: 'Move down', icon: ArrowDown, shortcut: shortcut('Alt+Down'), reason: last, run: () => move('down') },
      { label: 'Move to the end', reason: last, run: () => move('last') },
    )
  }
  const label = showLabel(job)
  if (label) look.push({ label, icon: FolderOpen, run: () => show(job) })
  receipts.push(...receiptEntries(job))
  return groups.filter((group) => group.length).reduce<MenuEntry[]>((all, group) => (all.length ? [...all, 'line', ...group] : group), [])
}
