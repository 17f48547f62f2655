/**
 * Copying and moving objects to another folder, bucket or account: what was copied or cut, until it is
 * pasted, and where it may go. The computer's own clipboard cannot hold objects; it gets their paths.
 */
import { backend, type Location, type Selection } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { counted } from '$lib/frame/format'
import { say } from '$lib/frame/notice.svelte'
import { app, shortcut } from '$lib/frame/platform.svelte'
import { startPlan } from '$lib/transfers/planning.svelte'
import { folder, hold, sameLocation } from './folder.svelte'
import * as select from './selection'

export type Way = 'copy' | 'move'

interface Taken {
  selection: Selection
  items: number
  cut: boolean
}

/** Longer than this, nobody pastes paths into a text. */
const PATHS = 1000

let taken = $state.raw<Taken | null>(null)
let release: () => void = () => undefined

export const clipboard = {
  get taken() {
    return taken
  },
  /** Shown faded until it is pasted. */
  isCut(location: Location | null, key: string): boolean {
    if (!taken?.cut || !sameLocation(location, taken.selection.location)) return false
    return taken.selection.allOf !== null || cutKeys.has(key)
  },
  clear() {
    release()
    release = () => undefined
    taken = null
    cutKeys = new Set()
  },
}
let cutKeys: ReadonlySet<string> = new Set()

function sameBucket(a: Location, b: Location): boolean {
  return a.account === b.account && a.bucket === b.bucket
}

/** Why these cannot go there; null when they can. */
export function refusal(selection: Selection, to: Location): string | null {
  const from = selection.location
  if (sameLocation(from, to)) return 'They are in this folder already'
  if (!sameBucket(from, to)) return null
  const inside = selection.keys.some(({ kind, key }) => kind === 'folder' && to.prefix.startsWith(key))
  if (inside || (selection.allOf && holdsAll(selection.allOf.look.filter, from.prefix, to.prefix))) return 'A folder cannot go into itself'
  return null
}

/** Whether the folder one would copy to is below one of all those that pass the filter. */
function holdsAll(filter: string, from: string, to: string): boolean {
  if (!to.startsWith(from)) return false
  const first = to.slice(from.length).split('/')[0] ?? ''
  return first.toLowerCase().includes(filter.toLowerCase())
}

/** Within a bucket things are moved, as in a file manager; what leaves it is copied. A key says otherwise. */
export function wayFor(from: Location, to: Location, keys: { ctrlKey: boolean; shiftKey: boolean; altKey: boolean } | null): Way {
  const copies = keys && (app.mac ? keys.altKey : keys.ctrlKey)
  if (copies) return 'copy'
  if (keys?.shiftKey) return 'move'
  return sameBucket(from, to) ? 'move' : 'copy'
}

/** How to get the other way while dragging. */
export function otherWay(way: Way, from: Location, to: Location): string | null {
  if (way === 'move') return `${shortcut(app.mac ? 'Alt+' : 'Ctrl+').replace('+', '')}: copy instead`
  return sameBucket(from, to) ? null : 'Shift: move instead'
}

export function copyTo(selection: Selection, to: Location, way: Way, onran?: () => void): Promise<void> {
  return startPlan({ kind: 'copy', selection, to, removeOriginals: way === 'move' }, onran)
}

export function take(cut: boolean) {
  const { selection, chosen } = folder
  if (!selection) return
  clipboard.clear()
  const items = select.count(chosen)
  if (selection.allOf) release = hold(selection.allOf.listing)
  taken = { selection, items, cut }
  cutKeys = cut ? new Set(selection.keys.map(({ key }) => key)) : new Set()
  const { bucket } = selection.location
  if (!selection.allOf && items <= PATHS) {
    const text = selection.keys.map(({ key }) => `s3://${bucket}/${key}`).join('\n')
    // An extra: without it, one can still paste here.
    backend().shell('copy_text', { text, secret: false }).catch(() => undefined)
  }
  say(`${counted(items, 'item')} ${cut ? 'cut' : 'copied'}: open a folder, of any account, and press ${shortcut('Ctrl+V')}`)
}

/** Why nothing can be pasted here; null when it can. */
export function cannotPaste(): string | null {
  if (!taken) return 'Copy or cut something first'
  if (!folder.location) return 'Open a bucket first'
  return refusal(taken.selection, folder.location)
}

export function paste() {
  const to = folder.location
  const why = cannotPaste()
  if (why) return say(`Nothing was pasted. ${why}.`)
  if (!taken || !to) return
  const mine = taken
  // What was cut is pasted once; what was copied, as often as one likes.
  void copyTo(taken.selection, to, taken.cut ? 'move' : 'copy', () => mine.cut && taken === mine && clipboard.clear())
}

export function chooseWhere(way: Way) {
  const { selection, chosen } = folder
  if (selection) void openDialog({ kind: 'copy-to', selection, items: select.count(chosen), way })
}
