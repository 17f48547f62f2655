/** Dates and the colours of a key's state, for the eye. The state's words come from Rust. */
import type { KeyState, KeyView } from '$lib/backend'

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' })

export function dayOf(millis: number): string {
  return day.format(new Date(millis))
}

/** "today", "3 days ago", "2 months ago": the age of a key in the largest unit that fits. */
export function ageOf(millis: number, now: number): string {
  const days = Math.floor((now - millis) / 86_400_000)
  const words = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' })
  if (days < 60) return words.format(-Math.max(0, days), 'day')
  if (days < 730) return words.format(-Math.floor(days / 30.44), 'month')
  return words.format(-Math.floor(days / 365.25), 'year')
}

export const TONES: Record<KeyState, 'good' | 'warn' | 'danger'> = {
  fine: 'good',
  expiring: 'warn',
  expired: 'danger',
  'deleted-at-portal': 'danger',
  refused: 'danger',
  'secret-missing': 'warn',
}

/** For a badge: Rust's words where they are a phrase, a word of ours where they are a sentence. */
const SHORT: Partial<Record<KeyState, string>> = {
  'deleted-at-portal': 'deleted at the portal',
  refused: 'refused by the store',
  'secret-missing': 'secret missing',
}

export function badgeOf({ state, words }: Pick<KeyView, 'state' | 'words'>): string {
  return SHORT[state] ?? words
}

/** "Key expires in 3 days", for beside an account's name. */
export function keyLine(key: Pick<KeyView, 'accessKeyId' | 'state' | 'words'>): string {
  return key.accessKeyId === null ? 'No key: public buckets only' : `Key ${badgeOf(key)}`
}

/** "expires in 3 days" follows the key's name; "The store refuses this key." stands by itself. */
export function asSentence(words: string): string {
  return words.endsWith('.') ? words : `This account's key ${words}.`
}

/** The key is of no use any more: a new one is the way on. */
export function isDead(state: KeyState): boolean {
  return TONES[state] === 'danger'
}
