/**
 * Rows dragged within the window, onto a folder, a bucket or another account's bucket. Who lingers where
 * nothing takes them, or leaves the window, means the desktop: then they are fetched, see dragOut. Little
 * is fetched in any case, as one who leaves in one quick movement does not wait for it.
 */
import type { Location, Selection } from '$lib/backend'
import { expand } from '$lib/frame/accounts.svelte'
import { copyTo, otherWay, refusal, wayFor, type Way } from './copying.svelte'
import { aim, beginDragOut, dragOut, endDragOut, fetchAhead, forgetDragOut, goOut } from './dragOut.svelte'
import { locationAt } from './dropTargets'
import { sameLocation } from './folder.svelte'

/** Resting this long where nothing takes them: the desktop is meant. */
const LINGERS = 400
/** Moving no further than this, in pixels, is resting. */
const STILL = 8
/** Resting this long on an account that is folded up opens it. */
const SPRINGS = 600

/** Little enough to be fetched in case it goes out: a moment on most lines, and nearly free where it is paid for. */
const LITTLE = { bytes: 8 << 20, items: 20 }

/** What is dragged. */
export interface Dragged {
  selection: Selection
  items: number
  /** Null when it is not known, as of folders. */
  bytes: number | null
}

interface Drag {
  selection: Selection
  items: number
  /** The folder under the pointer that would take them. */
  to: Location | null
  way: Way
  /** Why the folder under the pointer does not. */
  refused: string | null
  other: string | null
}

let drag = $state.raw<Drag | null>(null)
let asked = false
let lingering: ReturnType<typeof setTimeout> | undefined
/** Where it rests. */
let rest = { x: 0, y: 0 }
let springing: { account: string; timer: ReturnType<typeof setTimeout> } | null = null

export const dragRows = {
  get now() {
    return drag
  },
  targets(location: Location): boolean {
    return drag !== null && sameLocation(drag.to, location)
  },
}

export function beginRows({ selection, items, bytes }: Dragged) {
  drag = { selection, items, to: null, way: 'copy', refused: null, other: null }
  asked = false
  if (bytes !== null && bytes <= LITTLE.bytes && items <= LITTLE.items) fetchAhead(selection, items)
  window.addEventListener('keydown', modifier)
  window.addEventListener('keyup', modifier)
  document.documentElement.addEventListener('mouseleave', leave)
}

function leave() {
  desktop(true)
  goOut()
}

/** Asks for the files, as the desktop is meant; once for each drag. */
function desktop(out: boolean) {
  clearTimeout(lingering)
  lingering = undefined
  if (!drag || asked) return
  asked = true
  beginDragOut(drag.selection, drag.items, out)
}

export function overRows(event: MouseEvent) {
  if (!drag || dragOut.outside) return
  const { clientX: x, clientY: y } = event
  const inside = x >= 0 && y >= 0 && x < window.innerWidth && y < window.innerHeight
  look(inside ? locationAt(x, y) : null, event)
  spring(inside ? document.elementFromPoint(x, y) : null)
  aim(drag.to !== null)
  if (!inside) leave()
  // On a folded account it is waited for that it opens: that is not the desktop either.
  else if (drag.to || springing) {
    clearTimeout(lingering)
    lingering = undefined
  } else linger(x, y)
}

/** A hand that rests is never quite still; one that is on its way somewhere does not rest. */
function linger(x: number, y: number) {
  if (lingering !== undefined && Math.hypot(x - rest.x, y - rest.y) <= STILL) return
  rest = { x, y }
  clearTimeout(lingering)
  lingering = setTimeout(() => desktop(false), LINGERS)
}

function look(at: Location | null, keys: { ctrlKey: boolean; shiftKey: boolean; altKey: boolean }) {
  if (!drag) return
  const from = drag.selection.location
  const refused = at && refusal(drag.selection, at)
  const to = at && !refused ? at : null
  const way = to ? wayFor(from, to, keys) : 'copy'
  const same = sameLocation(to, drag.to) && way === drag.way && refused === drag.refused
  if (!same) drag = { ...drag, to, way, refused, other: to && otherWay(way, from, to) }
}

/** Ctrl or Shift is pressed or let go while the mouse stands still. */
function modifier(event: KeyboardEvent) {
  if (drag?.to) look(drag.to, event)
}

/** An account that is folded up opens when one waits on it. */
function spring(element: Element | null) {
  const item = element?.closest<HTMLElement>('[role=treeitem][data-account]')
  const account = item && item.dataset.bucket === undefined && item.ariaExpanded !== 'true' ? (item.dataset.account ?? null) : null
  if (springing?.account === account) return
  if (springing) clearTimeout(springing.timer)
  springing = account === null ? null : { account, timer: setTimeout(() => expand(account), SPRINGS) }
}

/** With the release; without it, when the drag was given up or the desktop has it. */
export function endRows(event: MouseEvent | null) {
  window.removeEventListener('keydown', modifier)
  window.removeEventListener('keyup', modifier)
  document.documentElement.removeEventListener('mouseleave', leave)
  clearTimeout(lingering)
  lingering = undefined
  spring(null)
  if (event && drag) look(drag.to, event)
  const ended = drag
  drag = null
  if (event && ended?.to) {
    // They stay in the store: what may have been fetched for the desktop is not needed.
    forgetDragOut()
    void copyTo(ended.selection, ended.to, ended.way)
  } else endDragOut(event !== null)
  aim(false)
}
