/** What a key or a menu wants of a part of the window that it does not know. */
export type Wish = 'edit-path' | 'focus-filter' | 'focus-table' | 'focus-sidebar'

const target = new EventTarget()

export function wish(what: Wish) {
  target.dispatchEvent(new Event(what))
}

export function granting(what: Wish, grant: () => void): () => void {
  target.addEventListener(what, grant)
  return () => target.removeEventListener(what, grant)
}
