/** The settings: one copy, saved shortly after the last change. */
import { backend, type Settings, type TransferSettings } from '$lib/backend'
import { report } from './notice.svelte'

const SAVE_AFTER = 500

let settings = $state.raw<Settings>({
  theme: 'system',
  textScale: 1,
  downloadFolder: null,
  vault: null,
  place: null,
  sidebarWidth: 240,
  showInspector: false,
  showTransfers: false,
  transfers: {
    uploadLimit: null,
    downloadLimit: null,
    schedule: [],
    parallelFiles: null,
    jobsAtOnce: 2,
    keepAwake: true,
    notify: true,
    goOnAtStart: true,
    receiptSha256: false,
  },
})
let timer: ReturnType<typeof setTimeout> | undefined

/** What was changed here and is not saved yet. The settings have other writers: an editor, another Wherry. */
type Change = Partial<Omit<Settings, 'transfers'>> & { transfers?: Partial<TransferSettings> }
let unsaved: Change = {}

function withChange(to: Settings, { transfers, ...rest }: Change): Settings {
  return { ...to, ...rest, transfers: { ...to.transfers, ...transfers } }
}

/** Read-only to everybody else: changes go through `changeSettings`. */
export const current = {
  get settings(): Readonly<Settings> {
    return settings
  },
}

export async function loadSettings() {
  settings = await backend().call('settings')
}

/** Shows what the file says by now, with what is not in it yet. */
export async function refreshSettings() {
  const there = await backend().call('settings')
  settings = withChange(there, unsaved)
}

/** One after the other: each begins with what the one before has written. */
let saving: Promise<void> = Promise.resolve()

function save(): Promise<void> {
  timer = undefined
  const before = saving.catch(() => undefined)
  return (saving = before.then(write))
}

async function write() {
  const mine = unsaved
  unsaved = {}
  try {
    // What somebody else wrote meanwhile stays, the vault's choice too, which has a command of its own.
    const there = await backend().call('settings')
    await backend().call('save_settings', withChange(there, mine))
    settings = withChange(withChange(there, mine), unsaved)
  } catch (error) {
    unsaved = withMore(mine, unsaved)
    throw error
  }
}

function withMore({ transfers, ...rest }: Change, more: Change): Change {
  return { ...rest, ...more, transfers: { ...transfers, ...more.transfers } }
}

/** The parts of the transfers' settings that were not so before. */
function changed(transfers: Partial<TransferSettings>): Partial<TransferSettings> {
  const was: Partial<Record<string, unknown>> = settings.transfers
  return Object.fromEntries(Object.entries(transfers).filter(([name, value]) => was[name] !== value))
}

export function changeSettings({ transfers, ...rest }: Change) {
  const change: Change = transfers ? { ...rest, transfers: changed(transfers) } : rest
  unsaved = withMore(unsaved, change)
  settings = withChange(settings, change)
  clearTimeout(timer)
  timer = setTimeout(() => void save().catch(report), SAVE_AFTER)
}

/** At the window's end there is no "shortly after". */
export function saveNow() {
  if (timer === undefined) return
  clearTimeout(timer)
  void save().catch(report)
}

/** Asks for the folder downloads go to, and remembers it. */
export async function chooseDownloadFolder(title = 'Download to'): Promise<string | null> {
  try {
    const folder = await backend().shell('pick_folder', { title, folder: settings.downloadFolder })
    if (folder) changeSettings({ downloadFolder: folder })
    return folder
  } catch (error) {
    report(error)
    return null
  }
}

export function applyLook(root: HTMLElement, { theme, textScale }: Pick<Settings, 'theme' | 'textScale'>) {
  if (theme === 'system') root.removeAttribute('data-theme')
  else root.setAttribute('data-theme', theme)
  root.style.setProperty('--text-scale', String(Math.max(0.8, Math.min(2, textScale || 1))))
}
