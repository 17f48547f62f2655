/** What a key or a menu wants of a part of the window that it does not know. */
export type Wish = 'edit-path' | 'focus-filter' | 'focus-table' | 'focus-sidebar' | 'focus-transfers'

const target = new EventTarget()

/** False when nobody grants it. */
export function wish(what: Wish): boolean {
  const event = new Event(what, { cancelable: true })
  target.dispatchEvent(event)
  return event.defaultPrevented
}

export function granting(what: Wish, grant: () => void): () => void {
  const heard = (event: Event) => {
    event.preventDefault()
    grant()
  }
  target.addEventListener(what, heard)
  return () => target.removeEventListener(what, heard)
}
