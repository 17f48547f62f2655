/** Dates and the colours of a key's state, for the eye. The state's words come from Rust. */
import type { KeyState, KeyView } from '$lib/backend'
import { isDate } from '../accounts/dates'

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' })

/** Portals that take dates only mean the day by Greenwich: west of it, it would be shown a day early. */
const greenwich = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

export function dayOf(millis: number): string {
  return (isDate(millis) ? greenwich : day).format(new Date(millis))
}

const short = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })
const shortGreenwich = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })

/** For a table: "14 Mar 2026". */
export function shortDay(millis: number): string {
  return (isDate(millis) ? shortGreenwich : short).format(new Date(millis))
}

const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' })

/** "14:32", with the day when that is another one. */
export function timeOf(millis: number, now: number = Date.now()): string {
  const at = new Date(millis)
  const clock = time.format(at)
  return day.format(at) === day.format(new Date(now)) ? clock : `${clock} on ${day.format(at)}`
}

/** "within the last hour", "3 hours ago", "yesterday". A use is noted once an hour, so minutes would be wrong. */
export function lately(millis: number, now: number): string {
  const minutes = Math.floor((now - millis) / 60_000)
  const words = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' })
  if (minutes < 60) return 'within the last hour'
  if (minutes < 24 * 60 && day.format(new Date(millis)) === day.format(new Date(now))) return words.format(-Math.floor(minutes / 60), 'hour')
  return ageOf(millis, now)
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

export function badgeOf({ state, words, lent, renewedAlone }: Pick<KeyView, 'state' | 'words'> & Partial<Pick<KeyView, 'lent' | 'renewedAlone'>>): string {
  // That a lent key ends soon is as it should be.
  if (lent && (state === 'fine' || state === 'expiring')) return renewedAlone ? 'lent, and renewed by itself' : 'lent for a while'
  if (lent && state === 'expired') return 'to be lent again'
  return SHORT[state] ?? words
}

export function toneOf({ state, lent }: Pick<KeyView, 'state' | 'lent'>): 'good' | 'warn' | 'danger' {
  return lent && (state === 'expiring' || state === 'expired') ? 'good' : TONES[state]
}

/** "Key expires in 3 days", for beside an account's name. */
export function keyLine(key: Pick<KeyView, 'accessKeyId' | 'state' | 'words' | 'lent'>): string {
  return key.accessKeyId === null ? 'No key: public buckets only' : `Key ${badgeOf(key)}`
}

/** "expires in 3 days" follows the key's name; "The store refuses this key." stands by itself. */
export function asSentence(words: string): string {
  return words.endsWith('.') ? words : `This account's key ${words}.`
}

/** The key is of no use any more: a new one is the way on. */
export function isDead(key: Pick<KeyView, 'state' | 'lent'>): boolean {
  return toneOf(key) === 'danger'
}
