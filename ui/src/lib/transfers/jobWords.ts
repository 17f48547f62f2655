/** A job's state in words. */
import type { FileState, JobKind, JobState, JobView } from '$lib/backend'
import { bytes, count, counted, duration, rate } from '$lib/frame/format'

const VERB: Record<Exclude<JobKind, 'verify'>, string> = {
  upload: 'sent',
  download: 'fetched',
  delete: 'deleted',
  rename: 'renamed',
  stage: 'fetched',
  copy: 'copied',
  move: 'moved',
  sync: 'synced',
}

function verb({ kind, filesDone }: JobView): string {
  if (kind === 'verify') return filesDone === 1 ? 'as it should be' : 'as they should be'
  return VERB[kind]
}

export type Tone = 'accent' | 'good' | 'danger' | 'quiet'
export const TONE: Record<JobState, Tone> = {
  waiting: 'quiet',
  running: 'accent',
  paused: 'quiet',
  done: 'good',
  partial: 'danger',
  failed: 'danger',
  cancelled: 'quiet',
}

/** Only these are about bytes; deleting is about names. */
export function movesBytes({ kind }: Pick<JobView, 'kind'>): boolean {
  return kind !== 'delete' && kind !== 'rename'
}

export function progressOf(job: JobView): number {
  if (job.state === 'done') return 1
  const [done, total] = movesBytes(job) && job.bytesTotal > 0 ? [job.bytesDone, job.bytesTotal] : [job.filesDone + job.filesFailed + job.filesSkipped, job.filesTotal]
  return total > 0 ? Math.min(1, done / total) : 0
}

/** On this computer they are files; what is deleted or renamed are objects. */
function noun(job: JobView): string {
  return movesBytes(job) ? 'file' : 'object'
}

function amount(job: JobView): string {
  const files = `${count(job.filesDone)} of ${counted(job.filesTotal, noun(job))}`
  return movesBytes(job) ? `${files}, ${bytes(job.bytesDone)} of ${bytes(job.bytesTotal)}` : files
}

/** Has anything been done of it? */
function begun(job: JobView): boolean {
  return job.filesDone + job.filesFailed + job.filesSkipped > 0 || job.bytesDone > 0
}

function total(job: JobView): string {
  const files = counted(job.filesTotal, noun(job))
  return movesBytes(job) && job.bytesTotal ? `${files}, ${bytes(job.bytesTotal)}` : files
}

function failures(job: JobView): string {
  if (!job.filesFailed) return ''
  return job.kind === 'verify' ? `${counted(job.filesFailed, 'file')} not as the receipt says` : `${counted(job.filesFailed, noun(job))} failed`
}

function withFailures(job: JobView): string {
  const failed = failures(job)
  return failed ? `${amount(job)}, ${failed}` : amount(job)
}

export function stateWords(job: JobView): string {
  const skipped = job.filesSkipped ? `, ${count(job.filesSkipped)} left as they were` : ''
  switch (job.state) {
    case 'waiting':
      return begun(job) ? `Waiting after ${withFailures(job)}` : `Waiting: ${total(job)}`
    case 'running': {
      const speed = movesBytes(job) && job.rate > 0 ? ` · ${rate(job.rate)}` : ''
      const left = job.timeLeft !== null ? ` · ${duration(job.timeLeft)} left` : ''
      return `${withFailures(job)}${speed}${left}`
    }
    case 'paused':
      return begun(job) ? `Paused after ${withFailures(job)}` : `Paused: ${total(job)}`
    case 'done':
      return `Done: ${counted(job.filesDone, noun(job))} ${verb(job)}${movesBytes(job) && job.bytesDone ? `, ${bytes(job.bytesDone)}` : ''}${skipped}${took(job)}`
    case 'partial':
      return `${failures(job)}, ${count(job.filesDone)} ${verb(job)}${skipped}`
    case 'failed':
      return begun(job) ? `Failed after ${amount(job)}` : 'Failed'
    case 'cancelled':
      return begun(job) ? `Cancelled after ${amount(job)}` : 'Cancelled'
  }
}

function took({ started, ended }: JobView): string {
  if (ended === null || ended - started < 1000) return ''
  return ` in ${duration((ended - started) / 1000)}`
}

/** All of the queue in one line: "2 running, 1 waiting · 2.31 GB of 8.40 GB · 41.2 MB/s · 2 min 28 s left". */
export function queueWords(queue: JobView[]): string {
  const of = (state: JobState) => queue.filter((job) => job.state === state)
  const running = of('running')
  const parts = (['running', 'waiting', 'paused'] as const).map((state) => [of(state).length, state] as const).filter(([n]) => n > 0)
  const numbers = parts.map(([n, state]) => `${count(n)} ${state}`).join(', ')
  const speed = running.reduce((sum, job) => sum + job.rate, 0)
  const left = timeLeft(queue, speed)
  return [numbers, amounts(queue), speed > 0 ? rate(speed) : '', left !== null ? `${duration(left)} left` : ''].filter(Boolean).join(' · ')
}

function amounts(queue: JobView[]): string {
  const moving = queue.filter(movesBytes)
  const [done, all] = [moving.reduce((sum, job) => sum + job.bytesDone, 0), moving.reduce((sum, job) => sum + job.bytesTotal, 0)]
  return all > 0 ? `${bytes(done)} of ${bytes(all)}` : ''
}

/** For all that runs or waits its turn, at the present rate; null where that cannot be told. */
function timeLeft(queue: JobView[], speed: number): number | null {
  const coming = queue.filter((job) => job.state !== 'paused' && movesBytes(job))
  const bytesLeft = coming.reduce((sum, job) => sum + Math.max(0, job.bytesTotal - job.bytesDone), 0)
  return speed > 0 && bytesLeft > 0 ? bytesLeft / speed : null
}

/** How far all that runs or waits is; null when there are no bytes to count. */
export function queueProgress(queue: JobView[]): number | null {
  const moving = queue.filter(movesBytes)
  const whole = moving.reduce((sum, job) => sum + job.bytesTotal, 0)
  return whole > 0 ? Math.min(1, moving.reduce((sum, job) => sum + job.bytesDone, 0) / whole) : null
}

/** A file of a job; of one that verifies, what was found. */
export function fileWords(state: FileState, kind: JobKind): string {
  return kind === 'verify' && state === 'done' ? 'as it should be' : FILE_WORDS[state]
}

export const FILE_WORDS: Record<FileState, string> = {
  waiting: 'waiting',
  running: 'running',
  done: 'done',
  skipped: 'left as it was',
  failed: 'failed',
  cancelled: 'cancelled',
}
