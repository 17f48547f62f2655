import { describe, expect, test } from 'vitest'
import type { PlanView } from '$lib/backend'
import { planView } from '$tests/fake-data'
import { figures, moving, nothingToDo, roomWords, runLabel, summary } from './planWords'

const plan = (change: Partial<PlanView> = {}): PlanView => planView({ title: '', files: 12, bytes: 24_000, ...change })

describe('a plan', () => {
  test('the button says how many', () => {
    expect(runLabel(plan(), 0, false)).toBe('Upload 12 files')
    expect(runLabel(plan({ kind: 'delete' }), 0, false)).toBe('Delete 12 objects')
    expect(runLabel(plan({ kind: 'delete', files: 1 }), 0, false)).toBe('Delete 1 object')
    expect(runLabel(plan({ kind: 'rename', files: 1 }), 0, false)).toBe('Rename')
  })
  test('what is the same or left alone is not counted', () => {
    const p = plan({ same: 3, conflicts: 2 })
    expect(moving(p, 2, false)).toBe(7)
    expect(moving(p, 0, false)).toBe(9)
    expect(moving(p, 0, true)).toBe(12)
  })
  test('deleting is never lessened by what is the same', () => {
    expect(moving(plan({ kind: 'delete', same: 5, conflicts: 5 }), 5, false)).toBe(12)
  })
  test('nothing to do is said', () => {
    expect(nothingToDo(plan({ same: 12 }), 0, false)).toMatch(/already/)
    expect(nothingToDo(plan({ same: 12 }), 0, true)).toBeNull()
    expect(nothingToDo(plan({ files: 0, folders: 1 }), 0, false)).toBeNull()
    expect(runLabel(plan({ same: 12 }), 0, false)).toBe('Nothing to upload')
  })
  test('in words', () => {
    expect(summary(plan({ kind: 'delete', files: 1, bytes: 3 }))).toBe('1 object, 3 bytes will be deleted.')
    expect(summary(plan({ same: 3, folders: 2 }))).toBe('12 files, 24.0 kB in 2 folders; 3 of them are there already.')
  })
  test('at a glance', () => {
    expect(figures(plan())).toEqual([])
    const some = figures(plan({ same: 3, conflicts: 1 })).map(({ label, value }) => `${value} ${label}`)
    expect(some).toEqual(['8 new', '1 differs', '3 the same'])
  })
  test('whether there is room', () => {
    expect(roomWords(plan())).toBeNull()
    expect(roomWords(plan({ bytes: 10, room: { free: 2_000_000, of: 'the disk of /home/me' } }))).toEqual({ words: '2.00 MB free on the disk of /home/me', tight: false })
    expect(roomWords(plan({ bytes: 10, room: { free: 9, of: 'the quota of thesis' } }))?.tight).toBe(true)
  })
})

describe('the plan of a sync', () => {
  const sync = (change: Partial<PlanView> = {}) => plan({ kind: 'sync', clean: false, files: 5, same: 7, conflicts: 2, deletes: 4, ...change })

  test('says what is new, changed, deleted and unchanged', () => {
    expect(figures(sync()).map(({ label, value }) => `${value} ${label}`)).toEqual(['3 new', '2 changed', '4 to delete', '7 unchanged'])
    expect(summary(sync())).toBe('5 files, 24.0 kB will be copied.')
  })
  test('says what stays at the destination', () => {
    expect(figures(sync({ deletes: 0, kept: 2 })).map(({ label, value }) => `${value} ${label}`)).toContain('2 only there')
  })
  test('its button names both', () => {
    expect(runLabel(sync(), 0, false, 4)).toBe('Sync: copy 5, delete 4')
    expect(runLabel(sync(), 2, false, 1)).toBe('Sync: copy 3, delete 1')
    expect(runLabel(sync(), 0, false)).toBe('Sync: copy 5, delete nothing')
    expect(runLabel(sync({ deletes: 0 }), 0, false)).toBe('Sync: copy 5')
    expect(runLabel(sync({ files: 0, conflicts: 0 }), 0, false, 4)).toBe('Sync: delete 4')
    expect(runLabel(sync({ files: 0, conflicts: 0, deletes: 0 }), 0, false)).toBe('Nothing to sync')
  })
  test('deleting alone is something to do', () => {
    expect(nothingToDo(sync({ files: 0, conflicts: 0 }), 0, false, 4)).toBeNull()
    expect(nothingToDo(sync({ files: 0, conflicts: 0 }), 0, false)).toBe('Say first that the deletions are meant')
    expect(nothingToDo(sync(), 0, false)).toBeNull()
    expect(nothingToDo(sync({ deletes: 0 }), 5, false)).toBe('All of it is left out')
    expect(nothingToDo(sync({ deletes: 0 }), 0, false)).toBeNull()
    expect(nothingToDo(sync({ files: 0, conflicts: 0, deletes: 0 }), 0, false)).toBe('Both sides are the same')
    expect(summary(sync({ files: 0, conflicts: 0, deletes: 0 }))).toBe('Both sides are the same.')
  })
})
