/** Limits of transfers as people type and read them, and which of them count when. */
import type { LimitSlot, TransferSettings } from '$lib/backend'
import { rate } from '$lib/frame/format'

const MB = 1_000_000
/** Slower than this, nothing ever ends: it is a slip of the finger. */
const LEAST = 10_000
const DAY = 24 * 60

export type Typed<T> = { value: T; error: null } | { value: null; error: string }

/** Megabytes per second as typed; empty for no limit. */
export function parseRate(text: string): Typed<number | null> | { value: null; error: string } {
  const bare = text.trim().replace(',', '.')
  if (bare === '') return { value: null, error: null }
  if (!/^\d*\.?\d+$|^\d+\.$/.test(bare)) return { value: null, error: 'A number, such as 2.5. Leave it empty for no limit.' }
  const bytes = Math.round(Number(bare) * MB)
  if (bytes === 0) return { value: null, error: 'Nothing would move at 0. Leave it empty for no limit.' }
  if (bytes < LEAST) return { value: null, error: 'At least 0.01.' }
  return { value: bytes, error: null }
}

export function rateText(limit: number | null): string {
  return limit === null ? '' : String(Number((limit / MB).toFixed(3)))
}

/** A time of day as typed, in minutes since midnight: "8", "8:30", "08:30", "0830"; "24:00" is midnight. */
export function parseTime(text: string): number | null {
  const found = /^(\d{1,2})(?:[:.h](\d{2}))?$|^(\d{2})(\d{2})$/.exec(text.trim())
  if (!found) return null
  const hours = Number(found[1] ?? found[3])
  const minutes = Number(found[2] ?? found[4] ?? 0)
  if (minutes > 59 || hours > 24 || (hours === 24 && minutes > 0)) return null
  return (hours * 60 + minutes) % DAY
}

const two = (n: number) => String(n).padStart(2, '0')

export function timeText(minutes: number): string {
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** Each minute of a slot, over midnight too. */
function covers({ from, until }: LimitSlot, minute: number): boolean {
  return from <= until ? minute >= from && minute < until : minute >= from || minute < until
}

/** What counts at this minute of the day: of the rows that fit, the first. */
export function limitsAt(settings: Pick<TransferSettings, 'schedule' | 'uploadLimit' | 'downloadLimit'>, minute: number) {
  const slot = settings.schedule.find((one) => covers(one, minute))
  return slot ? { up: slot.uploadLimit, down: slot.downloadLimit, until: slot.until } : { up: settings.uploadLimit, down: settings.downloadLimit, until: null }
}

/** For each row, what the rows above take from it: "08:00–09:00"; all of it is another matter. */
export function hiddenBy(slots: LimitSlot[], index: number): { all: boolean; spans: string[] } {
  const slot = slots[index]
  if (!slot) return { all: false, spans: [] }
  const length = (slot.until - slot.from + DAY) % DAY
  const spans: string[] = []
  let begun: number | null = null
  let hidden = 0
  for (let i = 0; i <= length; i++) {
    const minute = (slot.from + i) % DAY
    const over = i < length && slots.slice(0, index).some((above) => covers(above, minute))
    if (over) hidden++
    if (over && begun === null) begun = minute
    if (!over && begun !== null) {
      spans.push(`${timeText(begun)}–${timeText(minute)}`)
      begun = null
    }
  }
  return { all: hidden === length, spans }
}

function most(limit: number | null): string {
  return limit === null ? 'as fast as they go' : `at most ${rate(limit)}`
}

/** "Now: uploads at most 2.00 MB/s, downloads as fast as they go, until 18:00." */
export function nowWords(settings: Pick<TransferSettings, 'schedule' | 'uploadLimit' | 'downloadLimit'>, now: Date): string {
  const { up, down, until } = limitsAt(settings, now.getHours() * 60 + now.getMinutes())
  const end = until === null ? '' : `, until ${timeText(until)}`
  if (up === null && down === null) return `Now: as fast as it goes${end}.`
  return `Now: uploads ${most(up)}, downloads ${most(down)}${end}.`
}
