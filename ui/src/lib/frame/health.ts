/** How a key is doing, in the little room beside an account. */
import type { KeyView } from '$lib/backend'

export interface Health {
  tone: 'plain' | 'good' | 'warn' | 'danger'
  /** Null when there is nothing one needs to know. */
  badge: string | null
}

export function health(key: KeyView): Health {
  switch (key.state) {
    case 'expired':
      return { tone: 'danger', badge: 'expired' }
    case 'refused':
      return { tone: 'danger', badge: 'refused' }
    case 'deleted-at-portal':
      return { tone: 'danger', badge: 'deleted' }
    case 'secret-missing':
      return { tone: 'warn', badge: 'no secret' }
    case 'expiring':
      return { tone: 'warn', badge: key.daysLeft === null ? 'expiring' : days(key.daysLeft) }
    case 'fine':
      return { tone: 'plain', badge: key.daysLeft === null ? null : days(key.daysLeft) }
  }
}

function days(left: number): string {
  return left < 1 ? 'today' : left === 1 ? '1 day' : `${left} days`
}
