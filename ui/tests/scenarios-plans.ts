/** Worlds for plans, syncs, copies, and what was never finished. */
import type { ConflictView, ElsewhereView, PlanView, SavedSync, SyncChange, SyncRow, SyncRows as SyncRowsPage, SyncSpec, UnfinishedView } from '$lib/backend'
import { DAY, many, NOW, planView, thesis } from './fake-data'
import { Fake, problem, type FakeOptions } from './fake'
import { people } from './scenarios'

const HOUR = 3_600_000

export const conflict = (item: number, change: Partial<ConflictView> = {}): ConflictView => ({
  item,
  name: `run-${String(item % 40).padStart(2, '0')}/station_${String(item).padStart(5, '0')}.csv`,
  hereSize: 1_204_331 + item,
  hereModified: NOW - (item % 7) * HOUR,
  thereSize: 1_104_331,
  thereModified: NOW - (item % 3) * DAY,
  ...change,
})

const notes: PlanView['notes'] = [
  { name: 'data/con.', words: 'saved as “con_.”: this name cannot be had on Windows', leftOut: false },
  { name: 'data/link-to-nowhere', words: 'a symbolic link that points out of the folder', leftOut: true },
]

export const manyConflicts = (n: number): PlanView =>
  planView({
    title: 'Upload 12,400 files to thesis/',
    files: 12_400,
    bytes: 48_213_331_004,
    folders: 14,
    same: 310,
    conflicts: n,
    conflictExamples: Array.from({ length: Math.min(100, n) }, (_, i) => conflict(i)),
    notes,
    notesTotal: 2,
    examples: ['README.md', 'chapter 2.docx', 'data/station_001.csv'],
    room: { free: 812_000_000_000, of: 'the quota of thesis' },
    elsewhere: true,
    clean: false,
  })

const GONE = ['2023/old-run.nc', '2023/older-run.nc', 'notes (copy).txt', '.DS_Store.bak']

export const syncPlan = (change: Partial<PlanView> = {}): PlanView =>
  planView({
    kind: 'sync',
    title: 'Sync /home/ada/results with thesis/results/',
    files: 104,
    bytes: 48_213_331_004,
    same: 1_100,
    conflicts: 24,
    conflictExamples: Array.from({ length: 24 }, (_, i) => conflict(i)),
    deletes: 112,
    deleteExamples: GONE,
    examples: ['2026/run-41.nc', '2026/run-42.nc', '2026/run-43.nc'],
    room: { free: 40_000_000_000, of: 'the quota of thesis' },
    elsewhere: true,
    clean: false,
    ...change,
  })

/** What the plan of a sync would do, row by row; deletions have numbers of their own. */
export function syncRows(plan: PlanView, change: SyncChange, from: number, count: number): SyncRowsPage {
  const total = { new: plan.files - plan.conflicts, changed: plan.conflicts, deleted: plan.deletes }[change]
  const row = (i: number): SyncRow => {
    const { hereSize, hereModified, thereSize, thereModified, name } = conflict(i)
    if (change === 'new') return { item: plan.conflicts + i, name: `2026/run-${41 + i}.nc`, here: { size: hereSize * 400, modified: hereModified }, there: null }
    if (change === 'changed') return { item: i, name, here: { size: hereSize, modified: hereModified }, there: { size: thereSize, modified: thereModified } }
    return { item: i, name: GONE[i] ?? `2022/run-${i}.nc`, here: null, there: null }
  }
  return { total, rows: Array.from({ length: Math.max(0, Math.min(count, total - from)) }, (_, i) => row(from + i)) }
}

export const spec: SyncSpec = {
  from: { kind: 'folder', path: '/home/ada/results' },
  to: { kind: 'place', location: { account: 'a1', bucket: 'thesis', prefix: 'results/' } },
  compare: 'size-and-time',
  delete: true,
  include: [],
  exclude: ['*.tmp', '/scratch/'],
  withLitter: false,
}

export const savedSyncs: SavedSync[] = [
  { id: 's1', name: 'Nightly results', sync: spec, lastRun: NOW - DAY, lastState: 'done' },
  {
    id: 's2',
    name: 'Tiles to the cloud',
    sync: {
      ...spec,
      from: { kind: 'place', location: { account: 'a1', bucket: 'era5-land', prefix: 'tiles/' } },
      to: { kind: 'place', location: { account: 'a2', bucket: 'thesis', prefix: 'tiles/' } },
      compare: 'checksum',
      delete: false,
      exclude: [],
    },
    lastRun: NOW - 9 * DAY,
    lastState: 'partial',
  },
  {
    id: 's3',
    name: 'Figures of the lab that left',
    sync: { ...spec, from: { kind: 'place', location: { account: 'gone', bucket: 'figures', prefix: '' } }, to: { kind: 'folder', path: '/home/ada/figures' }, delete: false },
    lastRun: null,
    lastState: null,
  },
]

export const elsewhereView = (tool: string): ElsewhereView => ({
  command: `${tool} ${tool === 'rclone' ? 'copy --transfers 16 --checksum' : '--endpoint-url https://s3.example.org cp --concurrency 16'} /home/ada/results/ jasmin:thesis/results/ --exclude '*.tmp' --exclude '/scratch/**' --retries 10`,
  script: `#!/bin/bash\n#SBATCH --job-name=wherry-sync\n#SBATCH --partition=transfer\n#SBATCH --time=24:00:00\n#SBATCH --ntasks=1\nset -euo pipefail\n: "\${AWS_ACCESS_KEY_ID:?set it before you submit}"\n: "\${AWS_SECRET_ACCESS_KEY:?set it before you submit}"\n\n${tool} copy /home/ada/results/ jasmin:thesis/results/ --exclude '*.tmp'\n`,
  notes: ['The secret is not in it: put it into ~/.aws/credentials there, or into AWS_SECRET_ACCESS_KEY.', 'It expects the files at /home/ada/results on that computer.'],
})

export const unfinishedUploads: UnfinishedView[] = [
  { key: 'data/2024/t2m_2024.nc', upload: 'u1', started: NOW - 48 * DAY, bytes: 4_204_331_008, owner: 'ada', job: null },
  { key: 'data/2025/a very long name that an instrument wrote, with everything that it knows in it, run 17 calibrated v3.nc', upload: 'u2', started: NOW - 12 * DAY, bytes: 12_884_901_888, owner: 'b.lovelace', job: null },
  { key: 'backup.tar', upload: 'u3', started: NOW - 3 * HOUR, bytes: 734_003_200, owner: 'ada', job: null },
  { key: 'data/2026/t2m_2026.nc', upload: 'u4', started: NOW - 1 * HOUR, bytes: 2_310_000_000, owner: 'ada', job: 'j1' },
  { key: 'hidden\u202Egnp.bin', upload: 'u5', started: null, bytes: null, owner: null, job: null },
]

const at = (bucket: string | null, prefix = '', accountId = 'a1') => ({ place: { account: accountId, bucket, prefix } })
const stores = () => ({
  a1: { 'era5-land': thesis(), thesis: thesis(), scratch: new Map() },
  a2: { 'sentinel-2-tiles': many(2_000), thesis: thesis() },
  a3: { archive: new Map() },
  a4: { 'my-first-bucket': thesis() },
})

const plans = (plan: PlanView, change: FakeOptions['handlers'] = {}) => () =>
  new Fake({
    accounts: people(),
    stores: stores(),
    settings: at('thesis'),
    handlers: {
      plan: () => plan,
      plan_conflicts: ({ from, count }) => ({
        total: plan.conflicts,
        conflicts: Array.from({ length: Math.max(0, Math.min(count, plan.conflicts - from)) }, (_, i) => conflict(from + i)),
      }),
      sync_rows: ({ change: which, from, count }) => syncRows(plan, which, from, count),
      elsewhere: ({ tool }) => elsewhereView(tool),
      save_elsewhere: () => null,
      saved_syncs: () => savedSyncs,
      save_sync: ({ id, name, sync }) => ({ id: id ?? 'new', name, sync, lastRun: null, lastState: null }),
      ...change,
    },
  })

const unfinished = (uploads: UnfinishedView[], change: FakeOptions['handlers'] = {}) => () => {
  let left = uploads
  return new Fake({
    accounts: people(),
    stores: stores(),
    settings: at('thesis'),
    handlers: {
      unfinished_uploads: () => ({ uploads: left, bytes: left.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) }),
      clean_uploads: ({ uploads: some }) => {
        left = left.filter(({ upload }) => !some.some((one) => one.upload === upload) || upload === 'u2')
        const stuck = some.filter(({ upload }) => upload === 'u2')
        const why = problem('store.denied', 'The store does not let this key take that upload back.', 'Ask whoever began it, or who looks after the bucket.')
        return { uploads: some.length - stuck.length, problems: stuck.map(({ key }): [string, typeof why] => [key, why]) }
      },
      ...change,
    },
  })
}

export const scenarios: Record<string, () => Fake> = {
  'plan-many-conflicts': plans(manyConflicts(5_000)),
  'plan-sync': plans(syncPlan()),
  'plan-sync-same': plans(syncPlan({ files: 0, bytes: 0, same: 1_204, conflicts: 0, conflictExamples: [], deletes: 0, deleteExamples: [], examples: [] })),
  'saved-syncs-empty': plans(syncPlan(), { saved_syncs: () => [] }),
  unfinished: unfinished(unfinishedUploads),
  'unfinished-many': unfinished(Array.from({ length: 20_000 }, (_, i) => ({ key: `run/part_${i}.nc`, upload: `u${i + 10}`, started: NOW - (i % 900) * DAY, bytes: 8_388_608 + i, owner: 'ada', job: null }))),
  'unfinished-none': unfinished([]),
  'unfinished-denied': unfinished([], {
    unfinished_uploads: () => {
      throw problem('store.denied', 'This key may not list the unfinished uploads of thesis.', 'Ask who looks after the bucket for the right to ListBucketMultipartUploads.', { context: [['HTTP status', '403'], ['S3 code', 'AccessDenied']] })
    },
  }),
}
