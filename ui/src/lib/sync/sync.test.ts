import { render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { beforeEach, describe, expect, test } from 'vitest'
import { connect, type SavedSync } from '$lib/backend'
import { refreshAccounts } from '$lib/frame/accounts.svelte'
import { closeDialog, dialog } from '$lib/frame/dialogs.svelte'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { account, NOW } from '$tests/fake-data'
import { savedSyncs, spec, syncPlan } from '$tests/scenarios-plans'
import { SyncForm } from './form.svelte'
import SavedSyncsDialog from './SavedSyncsDialog.svelte'
import SyncDialog from './SyncDialog.svelte'
import { directionOf, endWords, lastRunWords, patterns, ruleWords } from './syncWords'

const here = { account: 'a1', bucket: 'thesis', prefix: 'data/' }
let fake: Fake
async function world(handlers: FakeOptions['handlers'] = {}, shell: FakeOptions['shell'] = {}) {
  fake = new Fake({
    accounts: [account('a1', 'Ice'), account('a2', 'Cloud')],
    shell: { pick_folder: () => '/home/ada/results', ...shell },
    handlers: { plan: () => syncPlan(), saved_syncs: () => savedSyncs, save_sync: ({ id, name, sync }) => ({ id: id ?? 'new', name, sync, lastRun: null, lastState: null }), delete_saved_sync: () => null, ...handlers },
  })
  await connect(fake)
  await refreshAccounts()
}
const args = (name: string) => fake.calls.filter((call) => call.name === name).map((call) => call.args)
beforeEach(async () => {
  closeDialog()
  await world()
})

describe('in words', () => {
  test('patterns are lines', () => expect(patterns(' *.nc \n\n/raw/\n')).toEqual(['*.nc', '/raw/']))
  test('the direction follows from the ends', () => {
    expect(directionOf(spec)).toBe('upload')
    expect(directionOf({ ...spec, from: spec.to, to: spec.from })).toBe('download')
    expect(directionOf({ ...spec, from: spec.to })).toBe('copy')
  })
  test('an end names its account where there are several', () => {
    expect(endWords(spec.to, () => null)).toBe('thesis/results/')
    expect(endWords(spec.to, () => 'Ice')).toBe('thesis/results/ of Ice')
  })
  test('rules', () => expect(ruleWords({ ...spec, include: ['*.nc'] })).toBe('Compares by size and time, deletes what is only at the destination, only *.nc, without *.tmp /scratch/'))
  test('the last run', () => {
    expect(lastRunWords({ lastRun: null, lastState: null })).toBe('Not run yet')
    expect(lastRunWords({ lastRun: NOW, lastState: 'partial' })).toMatch(/^Last run 2026-03-14 \d\d:00: some files failed$/)
  })
})

describe('what is asked for', () => {
  test('begins with the folder one is in, and misses the other end', async () => {
    const form = new SyncForm(here)
    expect(form.place.text).toBe('thesis/data/')
    expect(form.wrong).toBe('Choose the folder on this computer')
    expect(await form.spec()).toBeNull()
    await form.chooseFolder()
    expect(form.wrong).toBeNull()
    expect(await form.spec()).toEqual({ from: { kind: 'folder', path: '/home/ada/results' }, to: { kind: 'place', location: here }, compare: 'size-and-time', delete: false, include: [], exclude: [], withLitter: false })
    form.end()
  })
  test('the other way round', async () => {
    const form = new SyncForm(spec)
    form.swap()
    expect(await form.spec()).toMatchObject({ from: spec.to, to: spec.from })
    form.direction = 'copy'
    form.target.set({ account: 'a2', location: { account: 'a2', bucket: 'scratch', prefix: '' } })
    form.swap()
    expect(await form.spec()).toMatchObject({ from: { location: { account: 'a2', bucket: 'scratch' } }, to: { location: { account: 'a1', bucket: 'thesis' } } })
    form.end()
  })
  test('one folder inside the other is refused', async () => {
    const form = new SyncForm(here)
    form.direction = 'copy'
    form.target.set({ account: 'a1', location: { ...here, prefix: 'data/old/' } })
    expect(form.wrong).toMatch(/inside the other/)
    expect(await form.spec()).toBeNull()
    form.end()
  })
  test('what is saved comes back as it was', async () => {
    const form = new SyncForm(savedSyncs[0] as SavedSync)
    expect(form.name).toBe('Nightly results')
    expect(await form.spec()).toEqual(spec)
    form.end()
  })
})

describe('the dialog', () => {
  test('nothing is deleted unless that was chosen', async () => {
    const user = userEvent.setup()
    render(SyncDialog, { start: here })
    expect(screen.getByLabelText('Delete what is only at the destination')).not.toBeChecked()
    await user.click(screen.getByRole('button', { name: 'Choose a folder…' }))
    await user.click(screen.getByRole('button', { name: 'Look what would change…' }))
    await expect.poll(() => args('plan').length).toBe(1)
    expect(args('plan')[0]).toMatchObject({ what: { kind: 'sync', sync: { delete: false } } })
    await expect.poll(() => dialog.open?.kind).toBe('plan')
  })

  test('without a folder it cannot be looked at, and says why', async () => {
    const user = userEvent.setup()
    render(SyncDialog, { start: here })
    const look = screen.getByRole('button', { name: 'Look what would change…' })
    expect(look).toHaveAttribute('title', 'Choose the folder on this computer')
    await user.click(look)
    expect(args('plan')).toEqual([])
  })

  test('with a name it is saved first, and what could not be saved does not run', async () => {
    await world({
      save_sync: () => {
        throw problem('sync.name-taken', 'There is a sync of this name already.', 'Choose another name.')
      },
    })
    const user = userEvent.setup()
    render(SyncDialog, { start: spec })
    await user.click(screen.getByLabelText('Keep it under a name, to run it again'))
    // It has a name at once, which typing replaces: in a small window the field was out of sight, and empty.
    const name = screen.getByLabelText<HTMLInputElement>('Name')
    await waitFor(() => expect(name).toHaveFocus())
    expect(name.value).toBe('results')
    expect(screen.getByRole('button', { name: 'Save' })).not.toHaveAttribute('aria-disabled', 'true')
    await user.keyboard('Nightly')
    await user.click(screen.getByRole('button', { name: 'Look what would change…' }))
    expect(await screen.findByText('There is a sync of this name already.')).toBeVisible()
    expect(args('plan')).toEqual([])
    expect(args('save_sync')[0]).toMatchObject({ id: null, name: 'Nightly', sync: { delete: true } })
  })

  test('one that has a name is changed under it', async () => {
    const user = userEvent.setup()
    render(SyncDialog, { start: savedSyncs[0] as SavedSync })
    await user.click(screen.getByLabelText('Checksum'))
    await user.click(screen.getByRole('button', { name: 'Save' }))
    await expect.poll(() => dialog.open?.kind).toBe('saved-syncs')
    expect(args('save_sync')[0]).toMatchObject({ id: 's1', sync: { compare: 'checksum' } })
  })
})

describe('saved syncs', () => {
  test('say what they do and how they ended; one whose account is gone does not run', async () => {
    render(SavedSyncsDialog, { start: here })
    expect(await screen.findByText(/some files failed/)).toBeVisible()
    expect(screen.getByText('Not run yet')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Run Figures of the lab that left…' })).toHaveAttribute('title', 'Its account is not here any more: edit it')
  })

  test('run through their plan', async () => {
    const user = userEvent.setup()
    render(SavedSyncsDialog, { start: here })
    await user.click(await screen.findByRole('button', { name: 'Run Nightly results…' }))
    await expect.poll(() => dialog.open?.kind).toBe('plan')
    expect(args('plan')[0]).toMatchObject({ what: { kind: 'saved-sync', id: 's1' } })
    expect(args('run_plan')).toEqual([])
  })

  test('are deleted when it is said twice', async () => {
    const user = userEvent.setup()
    render(SavedSyncsDialog, { start: here })
    await user.click(await screen.findByRole('button', { name: 'Delete Nightly results…' }))
    expect(args('delete_saved_sync')).toEqual([])
    await user.click(within(screen.getByRole('group', { name: 'Delete Nightly results?' })).getByRole('button', { name: 'Delete' }))
    expect(args('delete_saved_sync')).toEqual(['s1'])
  })

  test('none: how to have one', async () => {
    await world({ saved_syncs: () => [] })
    const user = userEvent.setup()
    render(SavedSyncsDialog, { start: here })
    await user.click(await screen.findByRole('button', { name: 'New sync…' }))
    expect(dialog.open).toMatchObject({ kind: 'sync', start: here })
  })

  test('could not be read: said, and tried again', async () => {
    let broken = true
    await world({
      saved_syncs: () => {
        if (broken) throw problem('journal.damaged', 'The list of saved syncs could not be read.', 'Try again.', { retry: true })
        return savedSyncs
      },
    })
    const user = userEvent.setup()
    render(SavedSyncsDialog, { start: here })
    expect(await screen.findByRole('alert')).toHaveTextContent('could not be read')
    broken = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('Nightly results')).toBeVisible()
  })
})
