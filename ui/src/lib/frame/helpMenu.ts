/** What helps when something is unclear: the shortcuts, the log, and the way from another tool. */
import ClipboardClock from '@lucide/svelte/icons/clipboard-clock'
import FileInput from '@lucide/svelte/icons/file-input'
import Keyboard from '@lucide/svelte/icons/keyboard'
import ScrollText from '@lucide/svelte/icons/scroll-text'
import { backend } from '$lib/backend'
import type { MenuEntry } from '$lib/parts/menu'
import { openDialog } from './dialogs.svelte'
import { navigate } from './navigation.svelte'
import { report } from './notice.svelte'
import { shortcut } from './platform.svelte'

export function helpMenu(): MenuEntry[] {
  return [
    { label: 'Keyboard shortcuts', icon: Keyboard, shortcut: 'F1', run: () => void openDialog({ kind: 'shortcuts' }) },
    { label: 'History of transfers', icon: ClipboardClock, shortcut: shortcut('Ctrl+Shift+J'), run: () => navigate({ history: 'transfers' }) },
    { label: 'Import from another tool…', icon: FileInput, run: () => void openDialog({ kind: 'import-keys' }) },
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
