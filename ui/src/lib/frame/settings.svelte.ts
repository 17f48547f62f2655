/** The settings: one copy, saved shortly after the last change. */
import { backend, type Settings } from '$lib/backend'
import { report } from './notice.svelte'

const SAVE_AFTER = 500

let settings = $state<Settings>({
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

/** Read-only to everybody else: changes go through `changeSettings`. */
export const current = {
  get settings(): Readonly<Settings> {
    return settings
  },
}

export async function loadSettings() {
  settings = await backend().call('settings')
}

async function save() {
  timer = undefined
  // The vault is chosen by its own command, and Rust knows it better: never write back an old choice.
  const { vault } = await backend().call('settings')
  await backend().call('save_settings', { ...$state.snapshot(settings), vault })
}

export function changeSettings(change: Partial<Settings>) {
  Object.assign(settings, change)
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
