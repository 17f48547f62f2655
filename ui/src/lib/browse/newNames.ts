/** What a person may call an object or a folder here. Stores allow more; Rust has the last word. */
import { printable } from '$lib/parts/names'

const LONGEST = 1024

export function wrongName(name: string): string | null {
  if (name.includes('/')) return 'A name cannot contain a slash.'
  if (name === '.' || name === '..') return 'A name of dots alone cannot be downloaded again.'
  if (printable(name) !== name) return 'The name contains a character that cannot be seen.'
  if (new TextEncoder().encode(name).length > LONGEST) return 'The name is too long: a key has 1,024 bytes at most.'
  return null
}
