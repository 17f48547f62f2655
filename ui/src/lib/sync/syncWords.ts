/** A sync in words. */
import type { Compare, JobState, SavedSync, SyncEnd, SyncSpec } from '$lib/backend'
import { moment } from '$lib/frame/format'

export type Direction = 'upload' | 'download' | 'copy'

export const DIRECTIONS: { value: Direction; label: string; hint: string }[] = [
  { value: 'upload', label: 'From this computer to the store', hint: 'The folder in the store becomes like the folder here.' },
  { value: 'download', label: 'From the store to this computer', hint: 'The folder here becomes like the folder in the store.' },
  { value: 'copy', label: 'From one place in a store to another', hint: 'Between folders, buckets or accounts.' },
]

export const COMPARES: { value: Compare; label: string; hint: string }[] = [
  { value: 'size-and-time', label: 'Size and time', hint: 'Quick, and right as long as nothing changes a file and leaves its time as it was.' },
  { value: 'size', label: 'Size only', hint: 'For times that mean nothing; a change that keeps the size is not seen.' },
  { value: 'checksum', label: 'Checksum', hint: 'Reads every file whose size is the same, and compares what is in it. Slow, and sure.' },
]

export function directionOf({ from, to }: SyncSpec): Direction {
  if (from.kind === 'folder') return 'upload'
  return to.kind === 'folder' ? 'download' : 'copy'
}

/** `account` names another account than the usual one; null leaves it out. */
export function endWords(end: SyncEnd, account: (id: string) => string | null): string {
  if (end.kind === 'folder') return end.path
  const { account: id, bucket, prefix } = end.location
  const name = account(id)
  return name === null ? `${bucket}/${prefix}` : `${bucket}/${prefix} of ${name}`
}

/** What else is to be known of it, beside its two ends. */
export function ruleWords({ compare, delete: remove, include, exclude, withLitter }: SyncSpec): string {
  const words = [COMPARES.find(({ value }) => value === compare)?.label.toLowerCase() ?? compare]
  if (remove) words.push('deletes what is only at the destination')
  if (include.length) words.push(`only ${include.join(' ')}`)
  if (exclude.length) words.push(`without ${exclude.join(' ')}`)
  if (withLitter) words.push('with system files')
  return `Compares by ${words.join(', ')}`
}

const ENDED: Record<JobState, string> = {
  waiting: 'it waits',
  running: 'it runs',
  paused: 'it is paused',
  done: 'all well',
  partial: 'some files failed',
  failed: 'it failed',
  cancelled: 'it was cancelled',
}

export function lastRunWords({ lastRun, lastState }: Pick<SavedSync, 'lastRun' | 'lastState'>): string {
  if (lastRun === null) return 'Not run yet'
  return `Last run ${moment(lastRun)}${lastState ? `: ${ENDED[lastState]}` : ''}`
}

export function wentWrong(state: JobState | null): boolean {
  return state === 'failed' || state === 'partial'
}

/** One pattern on each line; what is empty says nothing. */
export function patterns(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}
