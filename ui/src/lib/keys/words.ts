/** Dates and the colours of a key's state, for the eye. The state's words come from Rust. */
import type { KeyState } from '$lib/backend'

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' })

export function dayOf(millis: number): string {
  return day.format(new Date(millis))
}

/** "today", "3 days ago", "2 months ago": the age of a key in the largest unit that fits. */
export function ageOf(millis: number, now: number): string {
  const days = Math.floor((now - millis) / 86_400_000)
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
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

/** The key is of no use any more: a new one is the way on. */
export function isDead(state: KeyState): boolean {
  return TONES[state] === 'danger'
}
