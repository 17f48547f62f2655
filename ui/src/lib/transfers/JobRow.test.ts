/** A job's row in every state: what it says, and what one can do. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect, type JobView } from '$lib/backend'
import { closeDialog, dialog } from '$lib/frame/dialogs.svelte'
import { navigation, restore } from '$lib/frame/navigation.svelte'
import { Fake, problem } from '$tests/fake'
import { account, jobView } from '$tests/fake-data'
import { jobs, JobBox } from './jobs.svelte'
import JobRow from './JobRow.svelte'
import TransfersPanel from './TransfersPanel.svelte'
import TransfersLine from './TransfersLine.svelte'

const some = { filesTotal: 10, filesDone: 4, bytesTotal: 1000, bytesDone: 250 }
let fake: Fake

async function world(list: JobView[]) {
  fake = new Fake({ accounts: [account('a', 'A')], jobs: list })
  await connect(fake)
  await jobs.load()
}
const asked = (name: string) => fake.calls.filter((call) => call.name === name).map(({ args }) => args)
const row = (change: Partial<JobView>) => render(JobRow, { box: new JobBox(jobView('Data', { ...some, ...change })) })
const button = (name: string | RegExp) => screen.queryByRole('button', { name })

beforeEach(() => world([]))
afterEach(() => {
  cleanup()
  closeDialog()
  restore(null)
})

describe('what is in the queue', () => {
  test('running: how far, how fast, how long, and what now; it can be paused and cancelled', () => {
    row({ rate: 100, timeLeft: 7.5, current: 'x\u202Ey.csv' })
    expect(screen.getByText('4 of 10 files, 250 bytes of 1.00 kB · 100 B/s · 8 s left')).toBeVisible()
    expect(screen.getByText('x‹202E›y.csv')).toBeVisible()
    expect(screen.getByRole('progressbar', { name: 'Data' })).toHaveAttribute('aria-valuenow', '25')
    expect(button('Pause “Data”')).toBeVisible()
    expect(button('Cancel “Data”')).toBeVisible()
    expect(button(/again/)).toBeNull()
  })
  test('waiting: its turn has not come, and there is no bar of nothing', () => {
    row({ state: 'waiting', filesDone: 0, bytesDone: 0 })
    expect(screen.getByText('Waiting: 10 files, 1.00 kB')).toBeVisible()
    expect(screen.queryByRole('progressbar')).toBeNull()
  })
  test('paused: what is done is kept, and it goes on when one says so', async () => {
    await world([jobView('Data', { ...some, state: 'paused' })])
    row({ state: 'paused' })
    expect(screen.getByText('Paused after 4 of 10 files, 250 bytes of 1.00 kB')).toBeVisible()
    expect(button('Pause “Data”')).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: 'Resume “Data”' }))
    expect(asked('resume_job')).toEqual(['Data'])
  })
  test('cut off and taken up again: that is said', () => {
    row({ takenUp: true })
    expect(screen.getByText('taken up again after it was cut off')).toBeVisible()
  })
  test('what it waits for stands below it with the remedy, as no alarm; afterwards it goes on', async () => {
    const list = [jobView('Data', { ...some, state: 'paused', problem: problem('account.secret', 'The secret is missing.', 'Type it.', { remedies: [{ kind: 'give-secret', account: 'a' }] }) })]
    await world(list)
    row(list[0] ?? {})
    expect(screen.getByText('The secret is missing. Type it.')).toBeVisible()
    expect(screen.queryByRole('alert')).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: 'Type the secret…' }))
    expect(dialog.open).toMatchObject({ kind: 'secret', account: 'a' })
    closeDialog(true)
    await waitFor(() => expect(asked('resume_job')).toEqual(['Data']))
  })
  test('what is tried again by itself can be tried now', async () => {
    const waiting = jobView('Data', { state: 'waiting', problem: problem('store.unreachable', 'No answer.', 'It is tried again in 2 minutes.', { retry: true }) })
    await world([jobView('First'), waiting])
    row(waiting)
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(asked('move_job')).toEqual([{ job: 'Data', to: 'now' }])
  })
})

describe('what has ended', () => {
  test('well: it can be undone while that is possible, and shown where it is', async () => {
    await world([jobView('Data', { ...some, state: 'done', undo: true })])
    row({ state: 'done', filesDone: 10, bytesDone: 1000, undo: true })
    expect(screen.getByText('Done: 10 files sent, 1.00 kB')).toBeVisible()
    expect(screen.queryByRole('progressbar')).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: 'Show in the bucket' }))
    expect(navigation.location).toEqual({ account: 'a', bucket: 'thesis', prefix: '' })
    await userEvent.click(screen.getByRole('button', { name: 'Undo “Data”' }))
    expect(asked('undo_job')).toEqual(['Data'])
  })
  test('a copy is shown where it went', async () => {
    row({ kind: 'copy', state: 'done', to: { account: 'a', bucket: 'other', prefix: 'x/' } })
    await userEvent.click(screen.getByRole('button', { name: 'Show in the bucket' }))
    expect(navigation.location?.bucket).toBe('other')
  })
  test('in part: what failed is tried again', async () => {
    await world([jobView('Data', { ...some, state: 'partial', filesFailed: 2 })])
    row({ state: 'partial', filesDone: 8, filesFailed: 2 })
    expect(screen.getByText('2 files failed, 8 sent')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Try what failed again: “Data”' }))
    expect(asked('retry_job')).toEqual(['Data'])
  })
  test('badly: why, with what to do', () => {
    row({ state: 'failed', problem: problem('store.key-refused', 'The key was refused.', 'Make a new one.', { remedies: [{ kind: 'new-key', account: 'a' }] }) })
    expect(screen.getByRole('alert')).toHaveTextContent('The key was refused.')
    expect(button('Make a new key…')).toBeVisible()
    expect(button('Try again: “Data”')).toBeVisible()
  })
})

describe('the menu', () => {
  const menu = async (name: string) => {
    await userEvent.click(screen.getByRole('button', { name: `More for “${name}”` }))
    // jsdom lays nothing out: a menu never finds its place there, and is not yet shown.
    return within(await screen.findByRole('menu', { hidden: true }))
  }
  test('moves a job, and greys what cannot be, with the reason', async () => {
    const list = [jobView('One'), jobView('Two', { state: 'waiting' })]
    await world(list)
    render(TransfersPanel)
    const items = await menu('Two')
    expect(items.getByText(/Move down/)).toHaveTextContent('It is the last')
    await userEvent.click(items.getByText('Run first'))
    expect(asked('move_job')).toEqual([{ job: 'Two', to: 'now' }])
  })
  test('is opened by the menu key too', async () => {
    row({})
    screen.getByRole('button', { name: 'Pause “Data”' }).dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))
    expect(await screen.findByRole('menu', { hidden: true })).toBeInTheDocument()
  })
  test('leads to the receipts, and verifies again', async () => {
    row({ state: 'done', receipts: true })
    let items = await menu('Data')
    await userEvent.click(items.getByText('Verify again on this computer'))
    expect(asked('verify')).toEqual([{ kind: 'job', job: 'Data', side: 'computer' }])
    items = await menu('Data')
    await userEvent.click(items.getByText('Receipts…'))
    expect(dialog.open).toMatchObject({ kind: 'receipts', job: 'Data' })
  })
})

test('Alt and the arrows move a job, and the keyboard stays with it', async () => {
  await world([jobView('One'), jobView('Two', { state: 'waiting' }), jobView('Three', { state: 'waiting' })])
  render(TransfersPanel)
  const pause = screen.getByRole('button', { name: 'Pause “Three”' })
  pause.focus()
  await userEvent.keyboard('{Alt>}{ArrowUp}{/Alt}')
  await waitFor(() => expect(jobs.queue.map(({ view }) => view.id)).toEqual(['One', 'Three', 'Two']))
  await waitFor(() => expect(screen.getByRole('button', { name: 'Pause “Three”' })).toHaveFocus())
  expect(asked('move_job')).toEqual([{ job: 'Three', to: 'up' }])
})

describe('the panel', () => {
  test('pauses and resumes everything', async () => {
    await world([jobView('One'), jobView('Two', { state: 'waiting' })])
    render(TransfersPanel)
    expect(button('Resume all')).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: 'Pause all' }))
    await waitFor(() => expect(asked('pause_job')).toEqual(['Two', 'One']))
    await waitFor(() => expect(button('Pause all')).toBeNull())
    await userEvent.click(screen.getByRole('button', { name: 'Resume all' }))
    await waitFor(() => expect(asked('resume_job')).toEqual(['One', 'Two']))
  })
  test('has what has ended below the queue, and clears it', async () => {
    await world([jobView('One'), jobView('Old', { state: 'done' })])
    render(TransfersPanel)
    expect(within(screen.getByRole('list', { name: 'Queue' })).getByText('One')).toBeVisible()
    expect(within(screen.getByRole('list', { name: 'Finished' })).getByText('Old')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Clear finished' }))
    await waitFor(() => expect(screen.queryByText('Old')).toBeNull())
    expect(screen.getByText('One')).toBeVisible()
  })
  test('builds no rows that nobody looks at', async () => {
    await world(Array.from({ length: 90 }, (_, i) => jobView(`Job ${i}`, { state: 'waiting' })))
    const { container } = render(TransfersPanel)
    expect(container.querySelectorAll('li')).toHaveLength(50)
    await userEvent.click(screen.getByText('Show more of the 40 behind'))
    expect(container.querySelectorAll('li')).toHaveLength(90)
  })
  test('says what to do when there is nothing', async () => {
    render(TransfersPanel)
    expect(screen.getByText(/Drag files into a folder/)).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'History' }))
    expect(navigation.spot).toEqual({ history: 'transfers' })
  })
  test('closed, is one line, and nothing when there is nothing to say', async () => {
    await world([jobView('One', { rate: 5, bytesTotal: 100, bytesDone: 50 }), jobView('Bad', { state: 'failed' })])
    const { unmount } = render(TransfersLine)
    expect(screen.getByRole('button')).toHaveTextContent('Transfers: 1 running · 50 bytes of 100 bytes · 5 B/s · 10 s left · 1 transfer with failures')
    unmount()
    await world([])
    render(TransfersLine)
    expect(screen.queryByRole('button')).toBeNull()
  })
})

describe('the files of a job', () => {
  test('only the failed ones, with the reason of each', async () => {
    await world([jobView('Data', { state: 'partial', filesTotal: 12, filesDone: 10, filesFailed: 2 })])
    render(TransfersPanel)
    await userEvent.click(screen.getByRole('button', { name: 'Files of “Data”' }))
    const files = within(await screen.findByRole('list', { name: 'Files of Data' }))
    expect(await files.findByText('station_003.csv')).toBeVisible()
    await userEvent.click(screen.getByRole('checkbox', { name: 'Only the 2 that failed' }))
    await waitFor(() => expect(files.queryByText('station_003.csv')).toBeNull())
    expect(asked('files').at(-1)).toMatchObject({ onlyFailed: true })
    await userEvent.click(files.getAllByRole('button', { name: 'failed: why?' })[0] as HTMLElement)
    expect(screen.getByRole('alert')).toHaveTextContent('This file could not be read.')
  })
  test('are never all asked for', async () => {
    await world([jobView('Data', { filesTotal: 200_000, filesDone: 100_000 })])
    render(TransfersPanel)
    await userEvent.click(screen.getByRole('button', { name: 'Files of “Data”' }))
    await waitFor(() => expect(asked('files').length).toBeGreaterThan(0))
    expect(asked('files').every((args) => (args as { count: number }).count <= 500)).toBe(true)
  })
})
