/** What helps when something is unclear: the shortcuts and the log. */
import Keyboard from '@lucide/svelte/icons/keyboard'
import ScrollText from '@lucide/svelte/icons/scroll-text'
import { backend } from '$lib/backend'
import type { MenuEntry } from '$lib/parts/menu'
import { openDialog } from './dialogs.svelte'
import { report } from './notice.svelte'

export function helpMenu(): MenuEntry[] {
  return [
    { label: 'Keyboard shortcuts', icon: Keyboard, shortcut: 'F1', run: () => void openDialog({ kind: 'shortcuts' }) },
    { label: 'Show log', icon: ScrollText, run: () => void showLog() },
  ]
}

async function showLog() {
  try {
    await backend().shell('show_folder', 'logs')
  } catch (error) {
    report(error)
  }
}
