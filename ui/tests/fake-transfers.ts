/** The in-memory backend's queue and history. Nothing moves by itself: a test says what happens. */
import type { Event, FileView, HistoryFile, JobView, ReceiptView } from '$lib/backend'
import { problem, type FakeOptions, type Handlers } from './fake'
import { jobView, NOW } from './fake-data'

export interface FakeHistory {
  jobs: { count: number; at: (index: number) => JobView }
  files: { count: number; at: (index: number) => HistoryFile }
}

interface World {
  jobs: JobView[]
  readonly options: FakeOptions
  tell(event: Event): void
}

const live = ({ state }: JobView) => state === 'waiting' || state === 'running' || state === 'paused'

/** Pages by key: `after` is the index of the last entry of the page before. */
function page<T>({ count, at }: { count: number; at: (index: number) => T }, fits: (entry: T) => boolean, after: string | null, most: number) {
  const items: T[] = []
  let index = after === null ? 0 : Number(after) + 1
  for (; index < count && items.length < most; index++) {
    const entry = at(index)
    if (fits(entry)) items.push(entry)
  }
  return { items, next: index < count ? String(index - 1) : null }
}

export function receipt(change: Partial<ReceiptView> = {}): ReceiptView {
  return {
    from: '/home/ada/data/station_001.csv',
    to: 'thesis/data/station_001.csv',
    size: 1_000_000,
    md5: '9b2cf535f27731c974343645a3985328',
    sha256: null,
    crc64nvme: 'rosUhgp5mIg=',
    etag: '"9b2cf535f27731c974343645a3985328"',
    partSize: null,
    versionId: null,
    proof: 'the store’s ETag is the hash of the bytes',
    started: NOW - 4000,
    finished: NOW,
    ...change,
  }
}

export function transferHandlers(world: World): Handlers {
  const find = (id: string): JobView => {
    const old = /^h(\d+)$/.exec(id)?.[1]
    const job = world.jobs.find((one) => one.id === id) ?? (old === undefined ? undefined : world.options.history?.jobs.at(Number(old)))
    if (!job) throw problem('transfer.no-job', 'This job is no longer there.', '')
    return job
  }
  const change = (id: string, to: Partial<JobView>): JobView => {
    const job = { ...find(id), ...to }
    world.jobs = world.jobs.map((one) => (one.id === id ? job : one))
    return job
  }
  const stopped = { rate: 0, timeLeft: null, current: null }
  const history = () => world.options.history ?? { jobs: { count: 0, at: () => jobView('none') }, files: { count: 0, at: () => ({ job: '', from: '', to: '', size: 0, state: 'done' as const, finished: null }) } }
  const ended = () => world.jobs.filter((job) => !live(job))

  return {
    jobs: () => world.jobs,
    files: ({ job, from, count, onlyFailed }) => {
      const view = find(job)
      const failed = view.filesFailed
      const file = (i: number): FileView => {
        const state = i < failed ? 'failed' : i < failed + view.filesDone ? 'done' : live(view) && i < failed + view.filesDone + 3 && view.state === 'running' ? 'running' : 'waiting'
        return {
          name: `station_${String(i + 1).padStart(3, '0')}.csv`,
          state,
          bytesTotal: 1_000_000,
          bytesDone: state === 'done' ? 1_000_000 : state === 'running' ? 420_000 : 0,
          problem: state === 'failed' ? problem('transfer.unreadable', 'This file could not be read.', 'Check its permissions, then try again.', { retry: true, context: [['path', '/home/ada/data/station_001.csv']] }) : null,
        }
      }
      const total = onlyFailed ? failed : view.filesTotal
      return { total, files: Array.from({ length: Math.max(0, Math.min(count, total - from)) }, (_, i) => file(from + i)) }
    },
    cancel_job: (id) => change(id, { ...stopped, state: 'cancelled', ended: NOW }),
    retry_job: (id) => change(id, { state: 'running', filesFailed: 0, ended: null, problem: null }),
    pause_job: (id) => change(id, { ...stopped, state: 'paused' }),
    resume_job: (id) => change(id, { state: 'running', problem: null }),
    move_job: ({ job, to }) => {
      const queue = world.jobs.filter(live)
      const at = queue.findIndex(({ id }) => id === job)
      const [moved] = queue.splice(at, 1)
      if (!moved) throw problem('transfer.no-job', 'This job is no longer there.', '')
      const place = { now: 0, up: Math.max(0, at - 1), down: at + 1, last: queue.length }[to]
      queue.splice(place, 0, to === 'now' ? { ...moved, state: 'running' } : moved)
      world.jobs = [...queue, ...ended()]
      return world.jobs
    },
    undo_job: (id) => {
      const job = change(id, { undo: false })
      const undoing = jobView(`undo-${id}`, { kind: 'delete', title: `Undo: ${job.title}`, account: job.account, location: job.location, filesTotal: job.filesDone })
      world.jobs = [undoing, ...world.jobs]
      return undoing
    },
    forget_jobs: () => {
      world.jobs = world.jobs.filter(live)
      return null
    },
    history: ({ search, after, count }) => {
      const { jobs } = history()
      const over = ended()
      const at = (i: number) => over[i] ?? jobs.at(i - over.length)
      const { items, next } = page({ count: over.length + jobs.count, at }, ({ title }) => title.toLowerCase().includes(search.toLowerCase()), after, count)
      return { jobs: items, next }
    },
    history_files: ({ search, after, count }) => {
      const { items, next } = page(history().files, ({ from, to }) => `${from}\n${to}`.toLowerCase().includes(search.toLowerCase()), after, count)
      return { files: items, next }
    },
    clear_history: (id) => {
      if (id === null) delete world.options.history
      world.jobs = world.jobs.filter((job) => live(job) || (id !== null && job.id !== id))
      return null
    },
    receipts: ({ job, from, count }) => {
      const { filesDone } = world.jobs.find(({ id }) => id === job) ?? { filesDone: 240 }
      const receipts = Array.from({ length: Math.max(0, Math.min(count, filesDone - from)) }, (_, i) => {
        const name = `station_${String(from + i + 1).padStart(3, '0')}.csv`
        return receipt({ from: `/home/ada/data/${name}`, to: `thesis/data/${name}` })
      })
      return { total: filesDone, receipts }
    },
    save_receipts: ({ format }) => ({ files: 238, leftOut: format === 'bagit' ? 2 : 0 }),
    verify: (what) => {
      const job = jobView(`verify-${world.jobs.length}`, { kind: 'verify', title: what.kind === 'file' ? `Verify ${what.path}` : 'Verify 240 files', filesTotal: 240, bytesTotal: 240_000_000 })
      world.jobs = [job, ...world.jobs]
      return job
    },
  }
}
