/** Unfinished uploads in words. */
import { bytes, counted, duration } from '$lib/frame/format'
import type { Sum } from './unfinished.svelte'

export function age(started: number | null, now: number): string {
  if (started === null) return 'age not known'
  const seconds = Math.max(0, (now - started) / 1000)
  // Whole days: nobody needs the hours of a month.
  return seconds >= 2 * 86_400 ? `${counted(Math.floor(seconds / 86_400), 'day')} old` : `${duration(seconds)} old`
}

export function amount({ uploads, bytes: sum, unsure }: Sum): string {
  return `${counted(uploads, 'upload')}, ${unsure ? (sum ? `at least ${bytes(sum)}` : 'size not known') : bytes(sum)}`
}

export function freedWords(sum: Sum): string {
  if (sum.unsure) return sum.bytes ? `At least ${bytes(sum.bytes)} are freed.` : 'The store does not say how much is freed.'
  return `${bytes(sum.bytes)} ${sum.bytes === 1 ? 'is' : 'are'} freed.`
}
