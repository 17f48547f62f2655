/** How a key is doing, in the little room beside an account. */
import type { KeyView } from '$lib/backend'

export interface Health {
  tone: 'plain' | 'good' | 'warn' | 'danger'
  /** Null when there is nothing one needs to know. */
  badge: string | null
  /** The badge in full, for who hears it or points at it. */
  words: string
}

const WELL: Health = { tone: 'plain', badge: null, words: '' }

/** `waits`: its transfers cannot go on before the user has signed in. */
export function health(key: KeyView, waits = false): Health {
  if (waits) return { tone: 'warn', badge: 'sign in', words: 'Waits for you to sign in' }
  switch (key.state) {
    case 'expired':
      // The next one is lent when it is needed.
      return key.lent ? WELL : { tone: 'danger', badge: 'expired', words: 'Its key has expired' }
    case 'refused':
      return { tone: 'danger', badge: 'refused', words: 'The store refuses its key' }
    case 'deleted-at-portal':
      return { tone: 'danger', badge: 'deleted', words: 'Its key was deleted at the portal' }
    case 'secret-missing':
      return { tone: 'warn', badge: 'no secret', words: 'The secret of its key is missing' }
    case 'expiring':
      if (key.lent) return WELL
      return key.daysLeft === null
        ? { tone: 'warn', badge: 'expiring', words: 'Its key expires soon' }
        : { tone: 'warn', badge: short(key.daysLeft), words: `Its key expires ${when(key.daysLeft)}` }
    case 'fine':
      return WELL
  }
}

function short(left: number): string {
  return left < 1 ? 'today' : `${left} d`
}

function when(left: number): string {
  return left < 1 ? 'today' : left === 1 ? 'tomorrow' : `in ${left} days`
}
