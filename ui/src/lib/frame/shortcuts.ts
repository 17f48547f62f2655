/** The keys that work everywhere in the window, and their list for people. */
import { tick } from 'svelte'
import { folder } from '$lib/browse/folder.svelte'
import { newFolder, showDetails } from '$lib/browse/actions.svelte'
import { clipboard, paste } from '$lib/browse/copying.svelte'
import { refreshBuckets } from './accounts.svelte'
import { dialog, openDialog } from './dialogs.svelte'
import { back, forward, navigate, navigation, up } from './navigation.svelte'
import { command } from './platform.svelte'
import { changeSettings, current } from './settings.svelte'
import { sidebar } from './sidebar.svelte'
import { wish } from './wishes'

/** For people, by what they are about. */
export const GROUPS: { title: string; keys: [keys: string, what: string][] }[] = [
  {
    title: 'In a folder',
    keys: [
      ['Enter', 'Open a folder, download an object'],
      ['Backspace', 'Folder above'],
      ['F2', 'Rename'],
      ['Delete', 'Delete'],
      ['Ctrl+A', 'Select all'],
      ['Ctrl+C', 'Copy'],
      ['Ctrl+X', 'Cut'],
      ['Ctrl+V', 'Paste here'],
      ['Ctrl+Shift+C', 'Copy path'],
      ['Ctrl+Shift+N', 'New folder'],
      ['Alt+Enter', 'Properties'],
      ['Shift+F10', 'Menu of actions'],
      ['A, B, …', 'To the next name that begins so'],
    ],
  },
  {
    title: 'Getting about',
    keys: [
      ['Alt+Left', 'Back'],
      ['Alt+Right', 'Forward'],
      ['Alt+Up', 'Folder above'],
      ['Ctrl+L', 'Type a path'],
      ['Ctrl+F', 'Filter this folder'],
      ['F5', 'Refresh'],
      ['F6', 'Accounts, folder, transfers in turn'],
      ['F9', 'Show or hide accounts'],
    ],
  },
  {
    title: 'Transfers and the rest',
    keys: [
      ['Ctrl+J', 'Transfers'],
      ['Alt+Up', 'In the transfers: earlier'],
      ['Alt+Down', 'In the transfers: later'],
      ['Ctrl+Shift+J', 'History of transfers'],
      ['Ctrl+,', 'Settings'],
      ['F1', 'This list'],
    ],
  },
]

function refresh() {
  if (folder.location) void folder.refresh()
  else if (navigation.account) void refreshBuckets(navigation.account)
}

/** The accounts, what is open, the transfers where they are shown, and the accounts again. */
async function nextPart() {
  const at = document.activeElement
  const transfers = () => current.settings.showTransfers && wish('focus-transfers')
  if (at?.closest('[role=tree]')) {
    // Not every page has a table.
    if (!wish('focus-table')) transfers()
  } else if (at?.closest('[data-part=transfers]') || !transfers()) {
    sidebar.show()
    await tick()
    wish('focus-sidebar')
  }
}

/** WebKitGTK gives the menu key's event to the middle of the window; it belongs to what has the keyboard. */
function menuHere(): boolean {
  const element = document.activeElement
  if (!element || element === document.body || element.closest('input, textarea, select')) return false
  const { left, bottom } = element.getBoundingClientRect()
  element.dispatchEvent(
    new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX: left + 16, clientY: bottom }),
  )
  return true
}

/** In a field, the keys of the clipboard are the field's. */
function typing(event: KeyboardEvent): boolean {
  return event.target instanceof Element && event.target.closest('input, textarea, select') !== null
}

export function globalKeys(event: KeyboardEvent) {
  if (event.defaultPrevented || dialog.open) return
  const { key } = event
  const cmd = command(event)
  const letter = key.toLowerCase()
  if (event.altKey && !cmd && key === 'ArrowLeft') back()
  else if (event.altKey && !cmd && key === 'ArrowRight') forward()
  else if (event.altKey && !cmd && key === 'ArrowUp') up()
  else if (event.altKey && !cmd && key === 'Enter') showDetails()
  else if (key === 'F5' || (cmd && letter === 'r')) refresh()
  else if (key === 'ContextMenu' || (key === 'F10' && event.shiftKey)) {
    if (!menuHere()) return
  } else if (key === 'F1') void openDialog({ kind: 'shortcuts' })
  else if (key === 'F6') void nextPart()
  else if (key === 'F9') sidebar.toggle()
  else if (cmd && event.shiftKey && letter === 'n') newFolder()
  else if (cmd && letter === 'v' && clipboard.taken && !typing(event)) paste()
  else if (cmd && letter === 'l') wish('edit-path')
  else if (cmd && letter === 'f') wish('focus-filter')
  else if (cmd && event.shiftKey && letter === 'j') navigate({ history: 'transfers' })
  else if (cmd && letter === 'j') changeSettings({ showTransfers: !current.settings.showTransfers })
  else if (cmd && key === ',') void openDialog({ kind: 'settings' })
  else return
  event.preventDefault()
}
