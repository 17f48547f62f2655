import { render, screen, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, test } from 'vitest'
import { connect, type PlanView, type PlanWhat, type RunRequest, type SyncChange, type SyncRow } from '$lib/backend'
import { Fake, problem } from '$tests/fake'
import { planView } from '$tests/fake-data'
import PlanDialog from './PlanDialog.svelte'

const to = { account: 'a', bucket: 'thesis', prefix: '' }
const upload: PlanWhat = { kind: 'upload', to, paths: ['/x'] }
const download: PlanWhat = { kind: 'download', selection: { location: to, keys: [], allOf: null }, folder: '/full' }

const plan = (change: Partial<PlanView> = {}): PlanView => planView({ examples: ['a.txt'], clean: false, ...change })

let fake: Fake
let ran: RunRequest[]
beforeEach(async () => {
  ran = []
  fake = new Fake({
    handlers: {
      run_plan: (request) => {
        ran.push(request)
        throw problem('transfer.plan-gone', 'This plan is no longer there.', 'Make it again.')
      },
    },
    shell: { pick_folder: () => '/roomy' },
  })
  await connect(fake)
})

test('nothing is overwritten unless that was chosen', async () => {
  const user = userEvent.setup()
  render(PlanDialog, { plan: plan({ conflicts: 2, conflictExamples: [{ item: 0, name: 'a.txt', hereSize: 1, hereModified: null, thereSize: 2, thereModified: null }] }), what: upload })
  await user.click(await screen.findByRole('button', { name: 'Upload 1 file' }))
  expect(ran).toEqual([{ plan: 'p1', onConflict: 'skip', includeSame: false, each: [], leftOut: { copies: [], deletions: [], allDeletions: false } }])
  await user.click(screen.getByRole('radio', { name: 'Replace what is there' }))
  await user.click(screen.getByRole('button', { name: 'Upload 3 files' }))
  expect(ran[1]?.onConflict).toBe('overwrite')
})

test('why it did not start stands in the dialog', async () => {
  const user = userEvent.setup()
  render(PlanDialog, { plan: plan(), what: upload })
  await user.click(await screen.findByRole('button', { name: 'Upload 3 files' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('This plan is no longer there.')
})

test('what cannot run has no button that runs it', async () => {
  render(PlanDialog, { plan: plan({ kind: 'download', blocked: problem('transfer.disk-full', 'No room.', 'Choose another folder.', { remedies: [{ kind: 'choose-folder' }] }) }), what: download })
  expect(await screen.findByRole('alert')).toHaveTextContent('No room.')
  expect(screen.queryByRole('button', { name: /Download/ })).toBeNull()
})

test('another folder means another plan', async () => {
  const user = userEvent.setup()
  render(PlanDialog, { plan: plan({ kind: 'download', blocked: problem('transfer.disk-full', 'No room.', '', { remedies: [{ kind: 'choose-folder' }] }) }), what: download })
  await user.click(await screen.findByRole('button', { name: 'Choose another folder…' }))
  const asked = fake.calls.find((call) => call.name === 'plan')?.args as { what: PlanWhat } | undefined
  expect(asked?.what).toMatchObject({ kind: 'download', folder: '/roomy' })
})

test('everything that is left out is named, with the reason', async () => {
  render(PlanDialog, { plan: plan({ notes: [{ name: 'x\u202Ey', words: 'a symbolic link', leftOut: true }], notesTotal: 150 }), what: upload })
  expect(await screen.findByText('x‹202E›y')).toBeVisible()
  expect(screen.getByText('a symbolic link')).toBeVisible()
  expect(screen.getByText('and 149 more')).toBeVisible()
})

test('a plan that is not run is forgotten', async () => {
  const { unmount } = render(PlanDialog, { plan: plan(), what: upload })
  unmount()
  expect(fake.calls.find((call) => call.name === 'drop_plan')?.args).toBe('p1')
})

test('one conflict gets its own answer, and the button counts it', async () => {
  const user = userEvent.setup()
  const examples = [0, 1].map((item) => ({ item: item + 7, name: `${item}.txt`, hereSize: 1, hereModified: 9000, thereSize: 2, thereModified: 1000 }))
  render(PlanDialog, { plan: plan({ conflicts: 2, conflictExamples: examples }), what: upload })
  const row = (await screen.findAllByRole('row')).find((one) => one.textContent?.includes('1.txt'))
  expect(row).toHaveTextContent('1 byte newer')
  await user.click(within(row as HTMLElement).getByRole('button', { name: 'Keep both' }))
  await user.click(screen.getByRole('button', { name: 'Upload 2 files' }))
  expect(ran[0]).toMatchObject({ onConflict: 'skip', each: [{ item: 8, choice: 'keep-both' }] })
  await user.click(screen.getByRole('button', { name: 'Use the answer for all' }))
  expect(screen.getByRole('button', { name: 'Upload 1 file' })).toBeVisible()
})

const row = (item: number, name: string, here: number | null, there: number | null): SyncRow => ({
  item,
  name,
  here: here === null ? null : { size: 1, modified: here },
  there: there === null ? null : { size: 2, modified: there },
})
const saved: PlanWhat = { kind: 'saved-sync', id: 's1' }
/** Two are new, one is changed, three are only at the destination. */
const sync = (change: Partial<PlanView> = {}) => {
  const rows: Record<SyncChange, SyncRow[]> = {
    new: [row(4, 'new.txt', 1000, null), row(6, 'draft.txt', 1000, null)],
    changed: [row(5, 'both.txt', 9000, 1000)],
    deleted: [row(0, 'old.txt', null, 1), row(1, 'older.txt', null, 1), row(2, 'mine.txt', null, 1)],
  }
  fake.handlers.sync_rows = ({ change: which, from, count }) => ({ total: rows[which].length, rows: rows[which].slice(from, from + count) })
  return plan({ kind: 'sync', files: 3, conflicts: 1, deletes: 3, deleteExamples: ['old.txt'], ...change })
}

test('a sync deletes nothing before that was meant, and copies without it', async () => {
  const user = userEvent.setup()
  render(PlanDialog, { plan: sync(), what: saved })
  await user.click(await screen.findByRole('button', { name: 'Sync: copy 3, delete nothing' }))
  expect(ran[0]?.leftOut).toEqual({ copies: [], deletions: [], allDeletions: true })
  await user.click(screen.getByLabelText('Yes, delete these 3 files'))
  await user.click(screen.getByRole('button', { name: 'Sync: copy 3, delete 3' }))
  expect(ran[1]?.leftOut).toEqual({ copies: [], deletions: [], allDeletions: false })
})

test('a sync that would only delete waits for that to be meant', async () => {
  const user = userEvent.setup()
  render(PlanDialog, { plan: sync({ files: 0, conflicts: 0 }), what: saved })
  const run = await screen.findByRole('button', { name: 'Sync: delete nothing' })
  await user.click(run)
  expect(ran).toEqual([])
  expect(run).toHaveAttribute('title', 'Say first that the deletions are meant')
})

test('single rows of a sync are left out, by mouse and by keyboard', async () => {
  const user = userEvent.setup()
  render(PlanDialog, { plan: sync(), what: saved })
  await user.click(await screen.findByRole('checkbox', { name: 'Copy draft.txt' }))
  await user.click(screen.getByRole('checkbox', { name: 'Replace both.txt' }))
  const deletions = screen.getByRole('grid', { name: 'Only at the destination' })
  deletions.focus()
  await user.keyboard('{ArrowDown}{ArrowDown} ')
  expect(screen.getByRole('checkbox', { name: 'Delete mine.txt' })).not.toBeChecked()
  await user.click(screen.getByLabelText('Yes, delete these 2 files'))
  expect(screen.getByText(/3 rows are left out/)).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Sync: copy 1, delete 2' }))
  expect(ran[0]?.leftOut).toEqual({ copies: [6, 5], deletions: [2], allDeletions: false })
  await user.click(screen.getByRole('button', { name: 'Take all again' }))
  expect(screen.getByRole('button', { name: 'Sync: copy 3, delete 3' })).toBeVisible()
})

test('elsewhere is offered where it can be, and Enter there runs nothing', async () => {
  fake.handlers.elsewhere = ({ tool }) => ({ command: `${tool} copy a b`, script: '#!/bin/bash\n', notes: ['The secret is not in it.'] })
  const user = userEvent.setup()
  const { unmount } = render(PlanDialog, { plan: plan(), what: upload })
  expect(screen.queryByRole('button', { name: 'Run elsewhere…' })).toBeNull()
  unmount()
  render(PlanDialog, { plan: plan({ elsewhere: true }), what: upload })
  await user.click(await screen.findByRole('button', { name: 'Run elsewhere…' }))
  expect(await screen.findByText('rclone copy a b')).toBeVisible()
  expect(screen.getByText('The secret is not in it.')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Copy command' }))
  expect(fake.clipboard).toBe('rclone copy a b')
  await user.keyboard('{Enter}')
  expect(ran).toEqual([])
})

test('how much room there is, and whether that is enough', async () => {
  render(PlanDialog, { plan: plan({ room: { free: 10, of: 'the disk of /home/me' } }), what: upload })
  expect(await screen.findByText(/10 bytes free on the disk of \/home\/me: that may not be enough/)).toBeVisible()
})

test('a sync that would replace something newer says so', async () => {
  const example = (item: number, here: number) => ({ item, name: `${item}.txt`, hereSize: 1, hereModified: here, thereSize: 2, thereModified: 50_000 })
  const { unmount } = render(PlanDialog, { plan: plan({ kind: 'sync', files: 2, conflicts: 2, conflictExamples: [example(0, 90_000), example(1, 10_000)] }), what: { kind: 'saved-sync', id: 's1' } })
  expect(await screen.findByText(/1 file is newer at the destination/)).toBeVisible()
  unmount()
  render(PlanDialog, { plan: plan({ kind: 'sync', files: 2, conflicts: 1, conflictExamples: [example(0, 90_000)] }), what: { kind: 'saved-sync', id: 's1' } })
  expect(await screen.findByText('What will be replaced (1)')).toBeVisible()
  expect(screen.queryByText(/newer at the destination/)).toBeNull()
})
