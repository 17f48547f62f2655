/** Worlds with a queue, a history of a million transfers, and limits. */
import type { HistoryFile, JobKind, JobState, JobView } from '$lib/backend'
import { jobView, NOW, thesis, TRANSFERS } from './fake-data'
import { Fake, problem, type FakeOptions } from './fake'
import type { FakeHistory } from './fake-transfers'
import { people } from './scenarios'

const data = { account: 'a1', bucket: 'thesis', prefix: 'data/' }
const job = (id: string, change: Partial<JobView>) => jobView(id, { account: 'a1', location: data, ...change })
const over = { rate: 0, timeLeft: null, current: null, ended: NOW } as const

export const offline = problem('store.unreachable', 'The store at s3.example.org does not answer.', 'Wherry tries again by itself in 2 minutes.', { retry: true })

export const queue = (): JobView[] => [
  job('q1', { title: 'Upload 240 files to thesis/data/', filesTotal: 240, filesDone: 61, bytesTotal: 8_400_000_000, bytesDone: 2_310_000_000, rate: 41_200_000, timeLeft: 148, current: 'station_062.csv', undo: true }),
  job('q2', { kind: 'download', title: 'Download 3 files from thesis/figures/', folder: '/home/ada/Downloads', filesTotal: 3, filesDone: 1, bytesTotal: 90_000_000, bytesDone: 45_000_000, rate: 3_800_000, timeLeft: 12, current: 'figure-2.png', takenUp: true }),
  job('q3', { kind: 'sync', title: 'Sync /home/ada/era5 with era5-land/', state: 'waiting', filesTotal: 18_400, bytesTotal: 412_000_000_000 }),
  job('q4', { kind: 'copy', title: 'Copy 12 objects from thesis/ to scratch/', to: { account: 'a1', bucket: 'scratch', prefix: '' }, state: 'waiting', filesTotal: 12, filesDone: 4, bytesTotal: 120_000_000, bytesDone: 40_000_000, problem: offline }),
  job('q5', {
    title: 'Upload 1 file to archive/',
    account: 'a3',
    state: 'paused',
    bytesTotal: 512_000_000_000,
    bytesDone: 301_000_000_000,
    takenUp: true,
    problem: problem('store.key-refused', 'The store does not know the key of “Old cluster” any more.', 'Make a new key, or edit the account; then it goes on where it is.', { remedies: [{ kind: 'new-key', account: 'a3' }, { kind: 'edit-account', account: 'a3' }] }),
  }),
  job('q6', { title: 'Upload 3 files to thesis/data/', state: 'done', filesTotal: 3, filesDone: 3, bytesTotal: 3_200_000, bytesDone: 3_200_000, undo: true, receipts: true, started: NOW - 4000, ...over }),
  job('q7', { title: 'Upload 12 files to era5-land/', state: 'partial', filesTotal: 12, filesDone: 10, filesFailed: 2, bytesTotal: 120_000_000, bytesDone: 100_000_000, receipts: true, ...over, ended: NOW - 1000 }),
  job('q8', { kind: 'verify', title: 'Verify 240 files of thesis/data/', state: 'partial', filesTotal: 240, filesDone: 239, proven: '200 files: every byte was read again. 39 files: the store still has the same ETag and size; the bytes were not read.', filesFailed: 1, bytesTotal: 8_400_000_000, bytesDone: 8_400_000_000, ...over, ended: NOW - 2000 }),
  job('q9', { kind: 'delete', title: 'Delete 4 objects from scratch/', state: 'cancelled', filesTotal: 4, filesDone: 1, bytesTotal: 0, ...over, ended: NOW - 3000 }),
]

const KINDS: JobKind[] = ['upload', 'download', 'sync', 'copy', 'upload', 'delete', 'verify']
const TITLES: Record<JobKind, string> = { upload: 'Upload 240 files to thesis/run', download: 'Download 240 files from thesis/run', sync: 'Sync /home/ada/run', copy: 'Copy 240 objects to scratch/run', delete: 'Delete 240 objects from thesis/run', move: '', rename: '', stage: '', verify: 'Verify 240 files of thesis/run' }

/** A million of each: entry 0 is the newest. */
export const million: FakeHistory = {
  jobs: {
    count: 1_000_000,
    at: (i) => {
      const kind = KINDS[i % KINDS.length] ?? 'upload'
      const state: JobState = i % 11 === 3 ? 'partial' : i % 17 === 5 ? 'cancelled' : 'done'
      const failed = state === 'partial' ? 2 : 0
      return job(`h${i}`, { kind, title: `${TITLES[kind]}-${String(1_000_000 - i).padStart(7, '0')}/`, state, filesTotal: 240, filesDone: 240 - failed, filesFailed: failed, bytesTotal: 240_000_000, bytesDone: 240_000_000, receipts: kind !== 'delete' && kind !== 'verify', rate: 0, started: NOW - i * 600_000 - 95_000, ended: NOW - i * 600_000 })
    },
  },
  files: {
    count: 1_000_000,
    at: (i): HistoryFile => {
      const name = `run-${String(1_000_000 - i).padStart(7, '0')}/station_${String((i % 240) + 1).padStart(3, '0')}.csv`
      return { job: `h${i}`, from: `/home/ada/data/${name}`, to: `thesis/data/${name}`, size: 1_000_000 + i, state: i % 9 === 4 ? 'failed' : 'done', finished: NOW - i * 2500 }
    },
  },
}

const world = (options: FakeOptions = {}) => () =>
  new Fake({
    accounts: people(),
    stores: { a1: { thesis: thesis(), scratch: new Map(), 'era5-land': thesis() }, a2: {}, a3: { archive: new Map() }, a4: {} },
    ...options,
    settings: { place: { account: 'a1', bucket: 'thesis', prefix: '' }, ...options.settings },
  })

export const scenarios: Record<string, () => Fake> = {
  queue: () => world({ jobs: queue(), settings: { showTransfers: true } })(),
  'queue-closed': () => world({ jobs: queue() })(),
  'no-transfers': world({ settings: { showTransfers: true } }),
  'long-queue': () => world({ settings: { showTransfers: true }, jobs: Array.from({ length: 400 }, (_, i) => job(`l${i}`, { title: `Upload ${i + 1} of many`, state: i < 2 ? 'running' : 'waiting', filesTotal: 200_000, filesDone: i < 2 ? 3 : 0, bytesTotal: 8_000_000_000, rate: i < 2 ? 5_000_000 : 0 })) })(),
  history: world({ history: million }),
  'history-empty': world(),
  'history-broken': world({
    handlers: {
      history: () => {
        throw problem('journal.damaged', 'The history could not be read.', 'It was set aside, and a new one begun. Restart Wherry.')
      },
    },
  }),
  limits: world({
    settings: {
      transfers: {
        ...TRANSFERS,
        uploadLimit: 2_500_000,
        schedule: [
          { from: 8 * 60, until: 18 * 60, uploadLimit: 1_000_000, downloadLimit: 4_000_000 },
          { from: 17 * 60, until: 20 * 60, uploadLimit: null, downloadLimit: 8_000_000 },
          { from: 9 * 60, until: 10 * 60, uploadLimit: null, downloadLimit: null },
        ],
      },
    },
  }),
}
