/**
 * Which rows can be seen. Engines cap the height of an element (WebKit at 2²⁵ px), far below a
 * million rows: past `TALLEST` the scrollbar covers the rows in a smaller scale.
 */
export const TALLEST = 6_000_000

export interface Geometry {
  rows: number
  rowHeight: number
  /** Height of the part that shows rows. */
  height: number
}

export function fullHeight({ rows, rowHeight }: Geometry): number {
  return rows * rowHeight
}

/** Height of what is scrolled. */
export function scrollHeight(g: Geometry): number {
  return Math.max(g.height, Math.min(TALLEST, fullHeight(g)))
}

export function scaled(g: Geometry): boolean {
  return fullHeight(g) > TALLEST
}

/** How far down the rows are when the scrollbar is at `scrollTop`. */
export function offsetAt(g: Geometry, scrollTop: number): number {
  const furthest = Math.max(0, fullHeight(g) - g.height)
  if (!scaled(g)) return Math.max(0, Math.min(furthest, scrollTop))
  const scrollable = scrollHeight(g) - g.height
  return Math.max(0, Math.min(furthest, (scrollTop / scrollable) * furthest))
}

export function scrollTopAt(g: Geometry, offset: number): number {
  if (!scaled(g)) return offset
  const furthest = fullHeight(g) - g.height
  return (offset / furthest) * (scrollHeight(g) - g.height)
}

/** Rows `from..to`, with a few beyond each edge. */
export function visible(g: Geometry, offset: number, beyond = 4): { from: number; to: number } {
  const from = Math.max(0, Math.floor(offset / g.rowHeight) - beyond)
  const to = Math.min(g.rows, Math.ceil((offset + g.height) / g.rowHeight) + beyond)
  return { from, to: Math.max(from, to) }
}

/** The offset nearest to the present one at which the whole row is seen. */
export function reveal(g: Geometry, offset: number, index: number): number {
  const top = index * g.rowHeight
  if (top < offset) return top
  if (top + g.rowHeight > offset + g.height) return Math.max(0, top + g.rowHeight - g.height)
  return offset
}
