/** Where files may be dropped: elements say which folder they stand for, and a drop is looked up by position. */
import type { Attachment } from 'svelte/attachments'
import type { Location } from '$lib/backend'

const targets = new WeakMap<Element, () => Location | null>()

/** `{@attach dropTarget(() => location)}` */
export function dropTarget(location: () => Location | null): Attachment {
  return (element) => {
    targets.set(element, location)
    return () => targets.delete(element)
  }
}

/** The innermost folder at this position of the window. */
export function locationAt(x: number, y: number): Location | null {
  for (let element = document.elementFromPoint(x, y); element; element = element.parentElement) {
    const location = targets.get(element)?.()
    if (location) return location
  }
  return null
}
