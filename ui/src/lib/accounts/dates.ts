/** Days as people type them and as portals mean them. */

export const DAY = 86_400_000

/** A key that expires on a day works until that day is over, here; null when there is no such day. */
export function endOfDay(text: string): number | null {
  const day = partsOf(text)
  return day && new Date(day.year, day.month - 1, day.date, 23, 59, 59).getTime()
}

/**
 * The day by Greenwich, as portals count whose keys end on a date: their clocks do not know where the
 * user is. Null when there is no such day.
 */
export function startOfDay(text: string): number | null {
  const day = partsOf(text)
  return day && Date.UTC(day.year, day.month - 1, day.date)
}

/** A time that is a date and no more: what a portal answers that takes only dates. */
export function isDate(millis: number): boolean {
  return millis % DAY === 0
}

/** `2027-01-31` of the day it is here. */
export function dateText(millis: number): string {
  const date = new Date(millis)
  return written(date.getFullYear(), date.getMonth(), date.getDate())
}

/** The same day so many months on; the 31st becomes the month's last where there is none. */
export function monthsOn(millis: number, months: number): string {
  const date = new Date(millis)
  const last = new Date(date.getFullYear(), date.getMonth() + months + 1, 0)
  return written(last.getFullYear(), last.getMonth(), Math.min(date.getDate(), last.getDate()))
}

function written(year: number, month: number, date: number): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${year}-${two(month + 1)}-${two(date)}`
}

function partsOf(text: string): { year: number; month: number; date: number } | null {
  const found = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim())
  if (!found) return null
  const [year, month, date] = found.slice(1).map(Number) as [number, number, number]
  // The 31st of February would be a day in March.
  const real = new Date(Date.UTC(year, month - 1, date))
  return real.getUTCMonth() === month - 1 && real.getUTCDate() === date ? { year, month, date } : null
}
