/** The columns of the table, and how a row fills them. */
import type { Row, SortBy } from '$lib/backend'
import { bytes, count, moment, shortBytes } from '$lib/frame/format'

export interface Column {
  id: SortBy
  label: string
  /** Class that says from which width it is shown. */
  shown: 'always' | 'medium' | 'wide'
  right?: boolean
}

export const columns: Column[] = [
  { id: 'name', label: 'Name', shown: 'always' },
  { id: 'size', label: 'Size', shown: 'always', right: true },
  { id: 'modified', label: 'Modified', shown: 'medium' },
  { id: 'storage-class', label: 'Storage class', shown: 'wide' },
]

export function sizeOf(row: Row): { text: string; title: string | undefined } {
  if (row.kind === 'folder' || row.size === null) return { text: '', title: undefined }
  return { text: shortBytes(row.size), title: row.size < 1000 ? bytes(row.size) : `${count(row.size)} bytes` }
}

export function modifiedOf(row: Row): string {
  return row.modified === null ? '' : moment(row.modified)
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/

/**
 * A name in two pieces, the second of which is never cut off: the end of a long name, where the number
 * and the extension are. Not for writing from right to left, which must stay in one piece.
 */
export function split(name: string): [string, string] {
  const TAIL = 12
  const characters = Array.from(name)
  if (characters.length <= 3 * TAIL || RIGHT_TO_LEFT.test(name)) return [name, '']
  const tail = characters.slice(-TAIL).join('')
  return [name.slice(0, name.length - tail.length), tail]
}
