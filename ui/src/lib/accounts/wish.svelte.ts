/**
 * What a new key shall be like: its name at the portal and the day it ends, as far as the portal's
 * rules let one say.
 */
import type { KeyRules, KeyWishForm } from '../backend'
import { dateText, monthsOn, startOfDay } from './dates'

/** In months; a year is long enough to be of use and short enough to be looked after. */
const TERMS = [
  { months: 1, label: 'one month' },
  { months: 3, label: 'three months' },
  { months: 6, label: 'six months' },
  { months: 12, label: 'one year' },
  { months: 24, label: 'two years' },
] as const

export const OWN_DAY = 'own'
export const NEVER = 'never'

export type WishErrors = Partial<Record<'description' | 'expires', string>>

export class WishForm {
  rules = $state.raw<KeyRules | null>(null)
  description = $state('Wherry')
  /** Months as text, `OWN_DAY` or `NEVER`. */
  term = $state('12')
  /** With `OWN_DAY`: `2027-01-31`. */
  day = $state('')
  #now: () => number

  constructor(now: () => number = () => Date.now()) {
    this.#now = now
  }

  follow(rules: KeyRules) {
    if (this.rules === null && rules.expiry === 'optional') this.term = NEVER
    this.rules = rules
  }

  /** Another key: the day that was chosen for the last one is no wish for this one. */
  again() {
    this.term = this.rules?.expiry === 'optional' ? NEVER : '12'
    this.day = ''
  }

  get asksDescription(): boolean {
    return this.rules !== null && this.rules.descriptionMost !== null
  }

  get asksExpiry(): boolean {
    return this.rules?.expiry === 'required' || this.rules?.expiry === 'optional'
  }

  /** Without anything to wish for, a key is made at once. */
  get asks(): boolean {
    return this.asksDescription || this.asksExpiry
  }

  /** In characters as people count them. */
  get length(): number {
    return [...this.description.trim()].length
  }

  get terms(): { value: string; day: string; label: string }[] {
    return TERMS.map(({ months, label }) => ({ value: String(months), day: monthsOn(this.#now(), months), label }))
  }

  choose(term: string) {
    // Another day begins with the one that was chosen: most people only move it a little.
    if (term === OWN_DAY && this.day === '') this.day = this.#chosenDay ?? monthsOn(this.#now(), 12)
    this.term = term
  }

  get #chosenDay(): string | null {
    if (this.term === NEVER) return null
    return this.term === OWN_DAY ? this.day : monthsOn(this.#now(), Number(this.term))
  }

  /** The day it ends, as text; null for never. */
  get ends(): string | null {
    return this.asksExpiry ? this.#chosenDay : null
  }

  errors(): WishErrors {
    const errors: WishErrors = {}
    const most = this.rules?.descriptionMost ?? null
    if (most !== null) {
      if (this.rules?.descriptionRequired && this.length === 0) errors.description = 'Give the key a name, so that you know it in the portal’s list.'
      else if (this.length > most) errors.description = `The name has ${this.length} characters; ${most} are as many as the portal takes.`
    }
    const { ends } = this
    if (ends !== null) {
      const when = startOfDay(ends)
      if (when === null) errors.expires = 'Write the day as year, month, day: 2027-01-31.'
      else if (ends <= dateText(this.#now()) || when <= this.#now())
        errors.expires = 'The key would have expired already: choose a day after today.'
    }
    return errors
  }

  get wish(): KeyWishForm {
    const { ends } = this
    return {
      description: this.asksDescription ? this.description.trim() || null : null,
      expires: ends === null ? null : startOfDay(ends),
    }
  }
}
