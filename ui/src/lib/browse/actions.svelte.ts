/** What can be done with what is selected, written once for the toolbar, the menus and the keys. */
import ArrowDownToLine from '@lucide/svelte/icons/arrow-down-to-line'
import ClipboardPaste from '@lucide/svelte/icons/clipboard-paste'
import Copy from '@lucide/svelte/icons/copy'
import FolderOpen from '@lucide/svelte/icons/folder-open'
import FolderOutput from '@lucide/svelte/icons/folder-output'
import FolderPlus from '@lucide/svelte/icons/folder-plus'
import InfoIcon from '@lucide/svelte/icons/info'
import Link2 from '@lucide/svelte/icons/link-2'
import Pencil from '@lucide/svelte/icons/pencil'
import RefreshCw from '@lucide/svelte/icons/refresh-cw'
import Scissors from '@lucide/svelte/icons/scissors'
import Trash2 from '@lucide/svelte/icons/trash-2'
import Upload from '@lucide/svelte/icons/upload'
import FolderUp from '@lucide/svelte/icons/folder-up'
import { backend, type Row } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { navigate } from '$lib/frame/navigation.svelte'
import { report, say } from '$lib/frame/notice.svelte'
import { changeSettings, chooseDownloadFolder, current } from '$lib/frame/settings.svelte'
import { shortcut } from '$lib/frame/platform.svelte'
import type { MenuEntry } from '$lib/parts/menu'
import { syncMenu } from '$lib/sync/open'
import { startPlan } from '$lib/transfers/planning.svelte'
import { cannotPaste, chooseWhere, paste, take } from './copying.svelte'
import { folder } from './folder.svelte'
import * as select from './selection'

const NOTHING = 'Select something first'
const NO_FOLDER = 'Open a bucket first'
const ONE_OBJECT = 'Select one object'

/** The one row an action is about, when there is exactly one. */
function single(): select.Picked | null {
  const { chosen } = folder
  if (chosen.all || chosen.keys.size !== 1) return null
  return [...chosen.keys.values()][0] ?? null
}

/** One may be allowed to write where one may not list: only a store that cannot be reached at all stops this. */
function shut(): string | null {
  return folder.problem && !folder.view && folder.problem.code !== 'store.denied' ? 'This folder could not be opened' : null
}

/** Why each cannot be done now; null when it can. */
export const cannot = {
  get upload() {
    return folder.location ? shut() : NO_FOLDER
  },
  get newFolder() {
    return folder.location ? shut() : NO_FOLDER
  },
  get download() {
    return folder.selection ? null : NOTHING
  },
  get remove() {
    return folder.selection ? null : NOTHING
  },
  get rename() {
    const one = single()
    if (!one) return 'Select one object or folder'
    return one.kind === 'marker' ? 'This object is the folder itself: rename the folder instead' : null
  },
  get link() {
    return single()?.kind === 'object' ? null : ONE_OBJECT
  },
}

export function openRow(row: Row) {
  const { location } = folder
  if (!location) return
  if (row.kind === 'folder') navigate({ ...location, prefix: row.key })
  else void download()
}

export async function uploadFiles() {
  const to = folder.location
  if (!to) return
  try {
    const paths = await backend().shell('pick_files', { title: `Upload files to ${to.bucket}/${to.prefix}`, folder: null })
    if (paths.length) await startPlan({ kind: 'upload', to, paths })
  } catch (error) {
    report(error)
  }
}

export async function uploadFolder() {
  const to = folder.location
  if (!to) return
  try {
    const path = await backend().shell('pick_folder', { title: `Upload a folder to ${to.bucket}/${to.prefix}`, folder: null })
    if (path) await startPlan({ kind: 'upload', to, paths: [path] })
  } catch (error) {
    report(error)
  }
}

/** To the folder of last time; the first time, and for "Download to…", it is asked for. */
export async function download(ask = false) {
  const { selection } = folder
  if (!selection) return
  const known = current.settings.downloadFolder
  const to = !ask && known ? known : await chooseDownloadFolder()
  if (!to) return
  if (to !== known) changeSettings({ downloadFolder: to })
  await startPlan({ kind: 'download', selection, folder: to })
}

export async function remove() {
  const { selection } = folder
  if (selection) await startPlan({ kind: 'delete', selection })
}

export function rename() {
  const one = single()
  const { location, current: row } = folder
  if (!one || !location || cannot.rename) return
  // The cursor is where the selection is, except after a click with Ctrl took the row away again.
  const it = row?.key === one.key ? row : { ...one, name: one.key.slice(location.prefix.length).replace(/\/$/, ''), modified: null, storageClass: null }
  void openDialog({ kind: 'rename', location, row: it })
}

export function newFolder() {
  if (folder.location) void openDialog({ kind: 'new-folder', location: folder.location })
}

async function copy(text: string, what: string) {
  try {
    await backend().shell('copy_text', { text, secret: false })
    say(`Copied ${what}`)
  } catch (error) {
    report(error)
  }
}

export function copyPath() {
  const { location, chosen } = folder
  if (!location) return
  const keys = [...chosen.keys.keys()]
  const paths = (keys.length ? keys : [location.prefix]).map((key) => `s3://${location.bucket}/${key}`)
  void copy(paths.join('\n'), paths.length === 1 ? 'the path' : `${paths.length} paths`)
}

export async function copyUrl() {
  const { location } = folder
  const one = single()
  if (!location || !one) return
  try {
    const ref = { account: location.account, bucket: location.bucket, key: one.key }
    await copy((await backend().call('object_details', ref)).url, 'the URL')
  } catch (error) {
    report(error)
  }
}

export function showDetails() {
  changeSettings({ showInspector: true })
}

/** For a right click on a row; for one beside the rows, what concerns the folder. */
export function rowMenu(): MenuEntry[] {
  const one = single()
  const { chosen, location } = folder
  const many = select.count(chosen)
  if (!location) return []
  if (!many) return folderMenu()
  const entries: MenuEntry[] = []
  if (one?.kind === 'folder')
    entries.push({ label: 'Open', icon: FolderOpen, shortcut: 'Enter', run: () => navigate({ ...location, prefix: one.key }) })
  entries.push(
    { label: 'Download', icon: ArrowDownToLine, shortcut: one?.kind === 'folder' ? undefined : 'Enter', run: () => void download() },
    { label: 'Download to…', run: () => void download(true) },
    'line',
    { label: 'Copy', icon: Copy, shortcut: shortcut('Ctrl+C'), run: () => take(false) },
    { label: 'Cut', icon: Scissors, shortcut: shortcut('Ctrl+X'), run: () => take(true) },
    { label: 'Paste here', icon: ClipboardPaste, shortcut: shortcut('Ctrl+V'), reason: cannotPaste(), run: paste },
    { label: 'Copy to…', icon: FolderOutput, run: () => chooseWhere('copy') },
    { label: 'Move to…', run: () => chooseWhere('move') },
    'line',
    { label: 'Rename…', icon: Pencil, shortcut: 'F2', reason: cannot.rename, run: rename },
    { label: many === 1 ? 'Delete…' : `Delete ${many.toLocaleString('en')}…`, icon: Trash2, shortcut: 'Delete', danger: true, run: () => void remove() },
    'line',
    { label: many === 1 ? 'Copy path' : 'Copy paths', shortcut: shortcut('Ctrl+Shift+C'), reason: chosen.all ? 'Not for everything at once' : null, run: copyPath },
    { label: 'Copy URL', reason: cannot.link, run: () => void copyUrl() },
    { label: 'Get a link to share…', icon: Link2, reason: cannot.link, run: showDetails },
    'line',
    { label: 'Properties', icon: InfoIcon, shortcut: shortcut('Alt+Enter'), run: showDetails },
  )
  return entries
}

export function uploadMenu(): MenuEntry[] {
  return [
    { label: 'Upload files…', icon: Upload, run: () => void uploadFiles() },
    { label: 'Upload a folder…', icon: FolderUp, run: () => void uploadFolder() },
  ]
}

export function folderMenu(): MenuEntry[] {
  return [
    ...uploadMenu(),
    'line',
    { label: 'New folder…', icon: FolderPlus, shortcut: shortcut('Ctrl+Shift+N'), run: newFolder },
    { label: 'Paste here', icon: ClipboardPaste, shortcut: shortcut('Ctrl+V'), reason: cannotPaste(), run: paste },
    { label: 'Copy path', shortcut: shortcut('Ctrl+Shift+C'), run: copyPath },
    { label: 'Select all', shortcut: shortcut('Ctrl+A'), run: () => folder.chooseAll() },
    'line',
    ...(folder.location ? syncMenu(folder.location) : []),
    'line',
    { label: 'Refresh', icon: RefreshCw, shortcut: 'F5', run: () => void folder.refresh() },
  ]
}
