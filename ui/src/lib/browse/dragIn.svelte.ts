/** Files from the desktop over the window: where they would land, and the drop itself. */
import { backend, type Location, type Point } from '$lib/backend'
import { dialog } from '$lib/frame/dialogs.svelte'
import { startPlan } from '$lib/transfers/planning.svelte'
import { dragOut } from './dragOut.svelte'
import { locationAt } from './dropTargets'
import { sameLocation } from './folder.svelte'

interface Over {
  items: number
  to: Location | null
}

let over = $state.raw<Over | null>(null)

export const dragIn = {
  get over() {
    return over
  },
  /** For the folder row or the bucket that would receive. */
  targets(location: Location): boolean {
    return over !== null && sameLocation(over.to, location)
  },
}

/** A dialog covers the window; what is behind it cannot be seen, so nothing lands there. */
function landing({ x, y }: Point): Location | null {
  return dialog.open ? null : locationAt(x, y)
}

/** The window's own objects, on their way out, pass over the window first. */
function ours() {
  return dragOut.outside
}

export function listenForDrops(): () => void {
  return backend().onDrop({
    enter(paths, at) {
      over = ours() ? null : { items: paths.length, to: landing(at) }
    },
    over(at) {
      if (!over) return
      const to = landing(at)
      if (!sameLocation(to, over.to)) over = { ...over, to }
    },
    leave() {
      over = null
    },
    drop(paths, at) {
      over = null
      const to = landing(at)
      if (!ours() && to && paths.length) void startPlan({ kind: 'upload', to, paths })
    },
  })
}
