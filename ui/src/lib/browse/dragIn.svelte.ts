/** Files from the desktop over the window: where they would land, and the drop itself. */
import { backend, type Location, type Point, type Selection } from '$lib/backend'
import { dialog } from '$lib/frame/dialogs.svelte'
import { startPlan } from '$lib/transfers/planning.svelte'
import { copyTo, refusal, wayFor, type Way } from './copying.svelte'
import { dragOut } from './dragOut.svelte'
import { dragRows } from './dragRows.svelte'
import { locationAt } from './dropTargets'
import { sameLocation } from './folder.svelte'

interface Over {
  items: number
  to: Location | null
  /** What will be done with them there. */
  way: Way | 'upload'
}

let over = $state.raw<Over | null>(null)

export const dragIn = {
  get over() {
    return over
  },
  /** For the folder row or the bucket that would receive. */
  targets(location: Location): boolean {
    return (over !== null && sameLocation(over.to, location)) || dragRows.targets(location)
  },
}

/** A dialog covers the window; what is behind it cannot be seen, so nothing lands there. */
function landing({ x, y }: Point): Location | null {
  return dialog.open ? null : locationAt(x, y)
}

/**
 * The window's own objects, on their way out, may come back over it: then they are copied or moved in the
 * store. Null while it is not known what they are.
 */
function ours(): Selection | null {
  return dragOut.given
}

function look(items: number, at: Point): Over | null {
  const to = landing(at)
  if (!dragOut.outside) return { items, to, way: 'upload' }
  const selection = ours()
  if (!selection || !to || refusal(selection, to)) return null
  return { items, to, way: wayFor(selection.location, to, null) }
}

export function listenForDrops(): () => void {
  let items = 0
  return backend().onDrop({
    enter(paths, at) {
      items = paths.length
      over = look(items, at)
    },
    over(at) {
      if (items === 0) return
      const now = look(items, at)
      if (!now || !over || !sameLocation(now.to, over.to)) over = now
    },
    leave() {
      items = 0
      over = null
    },
    drop(paths, at) {
      const own = dragOut.outside
      const selection = ours()
      const now = look(paths.length, at)
      items = 0
      over = null
      if (!now?.to || !paths.length) return
      if (!own) void startPlan({ kind: 'upload', to: now.to, paths })
      else if (selection && now.way !== 'upload') void copyTo(selection, now.to, now.way)
    },
  })
}
