/** A job's state in words. */
import type { FileState, JobView } from '$lib/backend'
import { bytes, count, counted, duration, rate } from '$lib/frame/format'

const VERB = { upload: 'sent', download: 'fetched', delete: 'deleted', rename: 'renamed', stage: 'fetched', copy: 'copied', move: 'moved', sync: 'copied', verify: 'found as they were' }

/** Only these are about bytes; deleting is about names. */
export function movesBytes({ kind }: JobView): boolean {
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

export function stateWords(job: JobView): string {
  const skipped = job.filesSkipped ? `, ${count(job.filesSkipped)} left as they were` : ''
  switch (job.state) {
    case 'running': {
      const failed = job.filesFailed ? `, ${count(job.filesFailed)} failed` : ''
      const speed = movesBytes(job) && job.rate > 0 ? ` · ${rate(job.rate)}` : ''
      const left = job.timeLeft !== null ? ` · ${duration(job.timeLeft)} left` : ''
      return `${amount(job)}${failed}${speed}${left}`
    }
    case 'done':
      return `Done: ${counted(job.filesDone, noun(job))} ${VERB[job.kind]}${movesBytes(job) && job.bytesDone ? `, ${bytes(job.bytesDone)}` : ''}${skipped}${took(job)}`
    case 'partial':
      return `${counted(job.filesFailed, noun(job))} failed, ${count(job.filesDone)} ${VERB[job.kind]}${skipped}`
    case 'waiting':
      return `Waiting: ${amount(job)}`
    case 'paused':
      return `Paused after ${amount(job)}`
    case 'failed':
      return `Failed after ${amount(job)}`
    case 'cancelled':
      return `Cancelled after ${amount(job)}`
  }
}

function took({ started, ended }: JobView): string {
  if (ended === null || ended - started < 1000) return ''
  return ` in ${duration((ended - started) / 1000)}`
}

export const FILE_WORDS: Record<FileState, string> = {
  waiting: 'waiting',
  running: 'running',
  done: 'done',
  skipped: 'left as it was',
  failed: 'failed',
  cancelled: 'cancelled',
}
