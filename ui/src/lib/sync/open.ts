/** The ways to a sync: from a folder or a bucket, from those that have a name, and from its plan. */
import FolderSync from '@lucide/svelte/icons/folder-sync'
import { backend, type Location, type PlanWhat } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { report } from '$lib/frame/notice.svelte'
import type { MenuEntry } from '$lib/parts/menu'

export function savedSyncsEntry(start: Location | null): MenuEntry {
  return { label: 'Saved syncs…', run: () => void openDialog({ kind: 'saved-syncs', start }) }
}

export function syncMenu(location: Location): MenuEntry[] {
  return [
    { label: location.prefix ? 'Sync this folder…' : 'Sync this bucket…', icon: FolderSync, run: () => void openDialog({ kind: 'sync', start: location }) },
    savedSyncsEntry(location),
  ]
}

/** From its plan back to what was asked for. */
export async function changeSync(what: PlanWhat): Promise<void> {
  if (what.kind === 'sync') return void openDialog({ kind: 'sync', start: what.sync })
  if (what.kind !== 'saved-sync') return
  try {
    const saved = (await backend().call('saved_syncs')).find(({ id }) => id === what.id)
    if (saved) void openDialog({ kind: 'sync', start: saved })
  } catch (error) {
    report(error)
  }
}
