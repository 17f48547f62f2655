import { describe, expect, test } from 'vitest'
import type { JobView, PlanView } from '$lib/backend'
import { jobView, planView } from '$tests/fake-data'
import { progressOf, stateWords } from './jobWords'
import { moving, nothingToDo, runLabel, summary } from './planWords'

const plan = (change: Partial<PlanView> = {}): PlanView => planView({ title: '', files: 12, bytes: 24_000, ...change })

describe('a plan', () => {
  test('the button says how many', () => {
    expect(runLabel(plan(), 'skip', false)).toBe('Upload 12 files')
    expect(runLabel(plan({ kind: 'delete' }), 'skip', false)).toBe('Delete 12 objects')
    expect(runLabel(plan({ kind: 'delete', files: 1 }), 'skip', false)).toBe('Delete 1 object')
    expect(runLabel(plan({ kind: 'rename', files: 1 }), 'skip', false)).toBe('Rename')
  })
  test('what is the same or left alone is not counted', () => {
    const p = plan({ same: 3, conflicts: 2 })
    expect(moving(p, 'skip', false)).toBe(7)
    expect(moving(p, 'overwrite', false)).toBe(9)
    expect(moving(p, 'keep-both', true)).toBe(12)
  })
  test('deleting is never lessened by what is the same', () => {
    expect(moving(plan({ kind: 'delete', same: 5, conflicts: 5 }), 'skip', false)).toBe(12)
  })
  test('nothing to do is said', () => {
    expect(nothingToDo(plan({ same: 12 }), 'skip', false)).toMatch(/already/)
    expect(nothingToDo(plan({ same: 12 }), 'skip', true)).toBeNull()
    expect(nothingToDo(plan({ files: 0, folders: 1 }), 'skip', false)).toBeNull()
    expect(runLabel(plan({ same: 12 }), 'skip', false)).toBe('Nothing to upload')
  })
  test('in words', () => {
    expect(summary(plan({ kind: 'delete', files: 1, bytes: 3 }))).toBe('1 object, 3 bytes will be deleted.')
    expect(summary(plan({ same: 3, folders: 2 }))).toBe('12 files, 24.0 kB in 2 folders; 3 of them are there already.')
  })
})

const job = (change: Partial<JobView>): JobView =>
  jobView('j', { filesTotal: 10, filesDone: 4, bytesTotal: 1000, bytesDone: 250, rate: 100, timeLeft: 7.5, started: 0, ...change })

describe('a job', () => {
  test('runs', () => {
    expect(stateWords(job({}))).toBe('4 of 10 files, 250 bytes of 1.00 kB · 100 B/s · 8 s left')
    expect(progressOf(job({}))).toBe(0.25)
  })
  test('of names alone has no bytes', () => {
    expect(stateWords(job({ kind: 'delete', timeLeft: null }))).toBe('4 of 10 objects')
    expect(progressOf(job({ kind: 'delete', filesFailed: 1 }))).toBe(0.5)
  })
  test('ends', () => {
    expect(stateWords(job({ state: 'done', filesDone: 10, bytesDone: 1000, ended: 95_000, filesSkipped: 2 }))).toBe(
      'Done: 10 files sent, 1.00 kB, 2 left as they were in 1 min 35 s',
    )
    expect(stateWords(job({ state: 'partial', filesDone: 9, filesFailed: 1 }))).toBe('1 file failed, 9 sent')
    expect(stateWords(job({ state: 'cancelled' }))).toBe('Cancelled after 4 of 10 files, 250 bytes of 1.00 kB')
  })
  test('without bytes is not divided by nothing', () => {
    expect(progressOf(job({ bytesTotal: 0, bytesDone: 0, filesTotal: 0, filesDone: 0 }))).toBe(0)
  })
})
