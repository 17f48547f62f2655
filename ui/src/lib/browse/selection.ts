/**
 * What is selected in a listing: some rows by key, or all rows of a look without naming them. Plain
 * values, replaced and never changed, so that a view can compare them.
 */
import type { LookAt, Row, SelectedKey, Selection, Location } from '$lib/backend'

export interface Picked extends SelectedKey {
  /** Null when it is not known (folders, and rows of a very long range). */
  size: number | null
}

export interface Chosen {
  keys: ReadonlyMap<string, Picked>
  all: { look: LookAt; rows: number; bytes: number | null } | null
}

export const nothing: Chosen = { keys: new Map(), all: null }

export function pick(row: Row): Picked {
  return { kind: row.kind, key: row.key, size: row.size }
}

export function only(rows: Iterable<Picked>): Chosen {
  return { keys: new Map([...rows].map((row) => [row.key, row])), all: null }
}

export function toggled(chosen: Chosen, row: Picked): Chosen {
  const keys = new Map(chosen.keys)
  if (!keys.delete(row.key)) keys.set(row.key, row)
  return { keys, all: null }
}

export function added(chosen: Chosen, rows: Iterable<Picked>): Chosen {
  const keys = new Map(chosen.keys)
  for (const row of rows) keys.set(row.key, row)
  return { keys, all: null }
}

export function everything(look: LookAt, rows: number, bytes: number | null): Chosen {
  return { keys: new Map(), all: { look, rows, bytes } }
}

export function has(chosen: Chosen, key: string): boolean {
  return chosen.all !== null || chosen.keys.has(key)
}

export function count(chosen: Chosen): number {
  return chosen.all ? chosen.all.rows : chosen.keys.size
}

/** The bytes of the selected objects; null when some are not known. Folders do not count. */
export function bytes(chosen: Chosen): number | null {
  if (chosen.all) return chosen.all.bytes
  let sum = 0
  for (const { kind, size } of chosen.keys.values()) {
    if (kind === 'folder') continue
    if (size === null) return null
    sum += size
  }
  return sum
}

export function folders(chosen: Chosen): number {
  let sum = 0
  for (const { kind } of chosen.keys.values()) if (kind === 'folder') sum++
  return sum
}

/** As a command wants it. */
export function asSelection(chosen: Chosen, location: Location, listing: string): Selection {
  return {
    location,
    keys: [...chosen.keys.values()].map(({ kind, key }) => ({ kind, key })),
    allOf: chosen.all ? { listing, look: chosen.all.look } : null,
  }
}
