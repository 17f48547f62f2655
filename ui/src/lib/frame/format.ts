/** Numbers, sizes and times as people read them. */

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB']
const plain = new Intl.NumberFormat('en')

export function count(n: number): string {
  return plain.format(n)
}

/** "1 object", "12,000 objects". */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** Powers of 1000, as file managers count: three digits that matter. */
export function bytes(n: number): string {
  if (n < 1000) return counted(n, 'byte')
  let value = n
  let unit = -1
  do {
    value /= 1000
    unit++
  } while (value >= 999.5 && unit < UNITS.length - 1)
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** For a table: bytes without the word. */
export function shortBytes(n: number): string {
  return n < 1000 ? `${n} B` : bytes(n)
}

export function exactBytes(n: number): string {
  return n < 1000 ? bytes(n) : `${bytes(n)} (${count(n)} bytes)`
}

export function rate(perSecond: number): string {
  return `${shortBytes(Math.round(perSecond))}/s`
}

/** Rounded to what one can do something with: "2 min 30 s", "3 h 5 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return ''
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return `${s} s`
  if (s < 600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`
  const min = Math.round(s / 60)
  if (min < 60) return `${min} min`
  if (min < 24 * 60) return min % 60 ? `${Math.floor(min / 60)} h ${min % 60} min` : `${min / 60} h`
  const hours = Math.round(min / 60)
  const days = Math.floor(hours / 24)
  return hours % 24 ? `${counted(days, 'day')} ${hours % 24} h` : counted(days, 'day')
}

const two = (n: number) => String(n).padStart(2, '0')

/** For a table: sorts by eye, the same width in every row, in local time. */
export function moment(millis: number): string {
  const d = new Date(millis)
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`
}

const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })

/** To the second, and where on the earth: "2026-03-01 09:05:30 GMT+1". */
export function fullMoment(millis: number): string {
  const d = new Date(millis)
  const where = zone.formatToParts(d).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  return `${moment(millis)}:${two(d.getSeconds())} ${where}`.trimEnd()
}

/** `share` of `whole` as a fraction; a whole of nothing is done. */
export function fraction(share: number, whole: number): number {
  return whole > 0 ? Math.min(1, share / whole) : 1
}
