/** The history: never all of it, searched, proven, and forgotten when one says so. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connect } from '$lib/backend'
import { refreshAccounts } from '$lib/frame/accounts.svelte'
import { closeDialog, dialog } from '$lib/frame/dialogs.svelte'
import { hush, notice } from '$lib/frame/notice.svelte'
import { jobs } from '$lib/transfers/jobs.svelte'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { account, jobView } from '$tests/fake-data'
import { million } from '$tests/scenarios-transfers'
import ForgetHistoryDialog from './ForgetHistoryDialog.svelte'
import HistoryPage from './HistoryPage.svelte'
import JobFilesDialog from './JobFilesDialog.svelte'
import { Keyset, type KeysetPage } from './keyset.svelte'
import ReceiptsDialog from './ReceiptsDialog.svelte'
import VerifyFileDialog from './VerifyFileDialog.svelte'
import { fileName, savedWords } from './words'

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('a list without a known end', () => {
  /** Numbers from 0, `size` at a time; `asked` are the places pages were asked from. */
  function numbers(count: number, size = 10) {
    const asked: (string | null)[] = []
    const fetch = (after: string | null): Promise<KeysetPage<number>> => {
      asked.push(after)
      const from = after === null ? 0 : Number(after) + 1
      const items = Array.from({ length: Math.max(0, Math.min(size, count - from)) }, (_, i) => from + i)
      return Promise.resolve({ items, next: from + size < count ? String(from + size - 1) : null })
    }
    return { asked, fetch }
  }

  test('is fetched as far as one looks, and no further', async () => {
    const { asked, fetch } = numbers(1_000_000, 100)
    const list = new Keyset<number>()
    list.open(fetch)
    await settled()
    list.need(0, 20)
    await settled()
    expect(asked).toEqual([null])
    list.need(80, 100)
    await settled()
    expect(asked).toEqual([null, '99'])
    expect([list.total, list.complete, list.item(150), list.item(200)]).toEqual([200, false, 150, undefined])
  })

  test('comes to its end', async () => {
    const { fetch } = numbers(25)
    const list = new Keyset<number>()
    list.open(fetch)
    for (let i = 0; i < 5; i++) {
      await settled()
      list.need(0, list.total)
    }
    expect([list.total, list.complete, list.item(24)]).toEqual([25, true, 24])
  })

  test('forgets pages far from sight, and fetches them again by the way it knows', async () => {
    const { asked, fetch } = numbers(100_000, 100)
    const list = new Keyset<number>()
    list.open(fetch)
    await settled()
    for (let row = 0; row < 8000; row += 50) {
      list.need(row, row + 50)
      await settled()
    }
    expect(list.item(5)).toBeUndefined()
    expect(list.total).toBeGreaterThan(8000)
    asked.length = 0
    list.need(0, 20)
    await settled()
    expect(asked).toEqual([null])
    expect(list.item(5)).toBe(5)
  })

  test('goes on over pages in which nothing was found', async () => {
    const pages: Record<string, KeysetPage<string>> = { start: { items: [], next: 'a' }, a: { items: [], next: 'b' }, b: { items: ['found'], next: null } }
    const list = new Keyset<string>()
    list.open((after) => Promise.resolve(pages[after ?? 'start'] as KeysetPage<string>))
    await vi.waitFor(() => expect(list.complete).toBe(true))
    expect(list.item(0)).toBe('found')
  })

  test('drops what comes late of the list before', async () => {
    let late: (page: KeysetPage<string>) => void = () => undefined
    const list = new Keyset<string>()
    list.open(() => new Promise((resolve) => (late = resolve)))
    list.open(() => Promise.resolve({ items: ['new'], next: null }))
    await settled()
    late({ items: ['old', 'old'], next: null })
    await settled()
    expect([list.total, list.item(0), list.loading]).toEqual([1, 'new', false])
  })

  test('begins again when entries are gone from under it', async () => {
    let count = 100_000
    const list = new Keyset<number>()
    list.open((after) => numbers(count, 100).fetch(after))
    await settled()
    for (let row = 0; row < 8000; row += 50) {
      list.need(row, row + 50)
      await settled()
    }
    count = 30
    list.need(0, 20)
    await vi.waitFor(() => expect(list.total).toBe(30))
    expect(list.complete).toBe(true)
  })

  test('says why it could not be read, keeps what it has, and goes on when tried again', async () => {
    let broken = false
    const { fetch } = numbers(1000, 100)
    const list = new Keyset<number>()
    list.open((after) => (broken ? Promise.reject(problem('x', 'Broken.', '')) : fetch(after)))
    await settled()
    broken = true
    list.need(80, 100)
    await settled()
    expect([list.problem?.what, list.total]).toEqual(['Broken.', 100])
    list.need(80, 100)
    await settled()
    broken = false
    list.retry()
    await settled()
    expect([list.problem, list.total]).toEqual([null, 200])
  })
})

let fake: Fake
async function world(options: FakeOptions = {}) {
  fake = new Fake({ accounts: [account('a', 'A'), account('b', 'B')], ...options })
  await connect(fake)
  await refreshAccounts()
  await jobs.load()
}
const asked = (name: string) => fake.calls.filter((call) => call.name === name).map(({ args }) => args)
beforeEach(() => world())
afterEach(() => {
  cleanup()
  closeDialog()
  hush()
})

describe('the page', () => {
  test('shows a million transfers without fetching them', async () => {
    await world({ history: million })
    render(HistoryPage, { of: 'transfers' })
    const grid = within(await screen.findByRole('grid', { name: 'Transfers that have ended' }))
    expect(await grid.findByText('Upload 240 files to thesis/run-1000000/')).toBeVisible()
    expect(grid.getByText('2 files failed, 238 copied')).toBeVisible()
    expect(screen.getByText('the newest 100 transfers; scroll for more')).toBeVisible()
    expect(asked('history')).toEqual([{ search: '', after: null, count: 100 }])
  })

  test('searches, says when nothing fits, and clears the search', async () => {
    await world({ history: { ...million, jobs: { ...million.jobs, count: 300 } } })
    render(HistoryPage, { of: 'transfers' })
    await screen.findByRole('grid')
    await userEvent.type(screen.getByRole('textbox', { name: 'Search transfers by their titles' }), 'run-0999950')
    expect(await screen.findByText('1 transfer')).toBeVisible()
    await userEvent.type(screen.getByRole('textbox'), ' zebra')
    expect(await screen.findByText('No transfer has “run-0999950 zebra” in its title')).toBeVisible()
    // One search for what was typed in one go, not one for each letter.
    expect(asked('history').length).toBeLessThan(6)
    await userEvent.click(screen.getAllByRole('button', { name: 'Clear search' }).at(-1) as HTMLElement)
    expect(await screen.findByText('Upload 240 files to thesis/run-1000000/')).toBeVisible()
  })

  test('looks through the files of all transfers', async () => {
    await world({ history: million })
    render(HistoryPage, { of: 'files' })
    const grid = screen.findByRole('grid', { name: 'Files of all transfers' })
    expect(await within(await grid).findByText('station_001.csv')).toBeVisible()
    await userEvent.dblClick(screen.getByText('station_001.csv'))
    expect(dialog.open).toMatchObject({ kind: 'receipts', job: 'h0' })
  })

  test('says that nothing was transferred yet', async () => {
    render(HistoryPage, { of: 'transfers' })
    expect(await screen.findByText('Nothing has been transferred yet')).toBeVisible()
  })

  test('says why it cannot be read', async () => {
    await world({ handlers: { history: () => { throw problem('journal.newer', 'The history is of a newer Wherry.', 'Use that one.', { retry: true }) } } })
    render(HistoryPage, { of: 'transfers' })
    expect(await screen.findByRole('alert')).toHaveTextContent('The history is of a newer Wherry.')
    expect(screen.queryByText('Nothing has been transferred yet')).toBeNull()
  })

  test('does not push newer ones under somebody’s eyes', async () => {
    await world({ history: million })
    render(HistoryPage, { of: 'transfers' })
    await screen.findByText('Upload 240 files to thesis/run-1000000/')
    const done = jobView('fresh', { state: 'done', title: 'Upload the newest' })
    fake.jobs = [done]
    jobs.heard([done])
    await userEvent.click(await screen.findByRole('button', { name: 'Show them' }))
    expect(await screen.findByText('Upload the newest')).toBeVisible()
  })

  test('is gone through by keyboard: Enter for the receipts, Delete to forget', async () => {
    await world({ history: million })
    render(HistoryPage, { of: 'transfers' })
    ;(await screen.findByRole('grid')).focus()
    await userEvent.keyboard('{ArrowDown}{Enter}')
    expect(dialog.open).toMatchObject({ kind: 'receipts', job: 'h1' })
    await userEvent.keyboard('{ArrowUp}{Delete}')
    expect(dialog.open).toMatchObject({ kind: 'forget-history', job: { id: 'h0' } })
  })
})

test('of a transfer that failed in part, the files that did come first', async () => {
  await world({ history: million })
  render(HistoryPage, { of: 'transfers' })
  await userEvent.dblClick(await screen.findByText('2 files failed, 238 copied'))
  expect(dialog.open).toMatchObject({ kind: 'job-files', job: { id: 'h3' } })
  render(JobFilesDialog, { job: million.jobs.at(3) })
  expect(await screen.findByRole('list', { name: /^Files of Copy/ })).toBeVisible()
  await userEvent.click((await screen.findAllByText('failed: why?'))[0] as HTMLElement)
  expect(screen.getByRole('alert')).toHaveTextContent('This file could not be read.')
  await userEvent.click(screen.getByText('Receipts…'))
  expect(dialog.open).toMatchObject({ kind: 'receipts', job: 'h3' })
})

describe('forgetting', () => {
  test('one entry, and the lists begin again', async () => {
    await world({ jobs: [jobView('Old', { state: 'done' })] })
    render(HistoryPage, { of: 'transfers' })
    await screen.findByText('Old')
    render(ForgetHistoryDialog, { job: jobView('Old', { state: 'done' }) })
    await userEvent.click(await screen.findByRole('button', { name: 'Forget' }))
    expect(asked('clear_history')).toEqual(['Old'])
    expect(await screen.findByText('Nothing has been transferred yet')).toBeVisible()
  })
  test('everything, and a failure is said where it was asked', async () => {
    await world({ handlers: { clear_history: () => { throw problem('journal.busy', 'Another Wherry is writing.', 'Try again.') } } })
    render(ForgetHistoryDialog, { job: null })
    await userEvent.click(await screen.findByRole('button', { name: 'Clear history' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('Another Wherry is writing.')
    expect(asked('clear_history')).toEqual([null])
  })
})

describe('receipts', () => {
  const receipts = (local = true) => render(ReceiptsDialog, { job: 'h0', title: 'Upload 240 files to Thesis/data/', local })

  test('are listed a part at a time, each with how it is known', async () => {
    receipts()
    expect(await screen.findByText('240 files arrived. Choose one for its details.')).toBeVisible()
    await userEvent.click(screen.getByText('thesis/data/station_002.csv'))
    const details = within(screen.getByRole('region', { name: 'Receipt' }))
    expect(details.getByText('9b2cf535f27731c974343645a3985328')).toBeVisible()
    expect(details.getByText('the store’s ETag is the hash of the bytes')).toBeVisible()
    expect(asked('receipts')).toEqual([{ job: 'h0', from: 0, count: 200 }])
  })

  test('are saved where one says, and what is not in the file is said', async () => {
    receipts()
    await screen.findByText(/240 files/)
    await userEvent.click(screen.getByRole('button', { name: 'Save as…' }))
    await userEvent.click(await screen.findByText(/BagIt manifest, MD5/))
    expect(await screen.findByText('238 receipts saved. 2 files are not in it: no checksum of them is known or can be had.')).toBeVisible()
    expect(asked('save_receipts')).toEqual([{ job: 'h0', format: 'bagit', path: '/home/ada/manifest-md5.txt' }])
  })

  test('that were not saved say why, and nothing is said when one changes one’s mind', async () => {
    await world({ handlers: { save_receipts: () => { throw problem('disk.full', 'The disk is full.', 'Make room.') } } })
    receipts()
    await screen.findByText(/240 files/)
    await userEvent.click(screen.getByRole('button', { name: 'Save as…' }))
    await userEvent.click(await screen.findByText(/CSV/))
    expect(await screen.findByRole('alert')).toHaveTextContent('The disk is full.')
    cleanup()
    await world({ shell: { pick_save: () => null } })
    receipts()
    await screen.findByText(/240 files/)
    await userEvent.click(screen.getByRole('button', { name: 'Save as…' }))
    await userEvent.click(await screen.findByText(/JSON/))
    await settled()
    expect(asked('save_receipts')).toEqual([])
    expect(screen.queryByRole('alert')).toBeNull()
  })

  test('between buckets are only verified in the store', async () => {
    receipts(false)
    await screen.findByText(/240 files/)
    await userEvent.click(screen.getByRole('button', { name: 'Verify again…' }))
    expect(screen.queryByText(/on this computer/)).toBeNull()
    await userEvent.click(screen.getByText('The objects in the store, every byte'))
    await waitFor(() => expect(asked('verify')).toEqual([{ kind: 'job', job: 'h0', side: 'store-read' }]))
  })

  test('of a transfer of which nothing arrived are none', async () => {
    await world({ handlers: { receipts: () => ({ total: 0, receipts: [] }) } })
    receipts()
    expect(await screen.findByText('No receipts: nothing arrived with this transfer.')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Save as…' })).toBeDisabled()
  })
})

describe('a receipt file', () => {
  test('is chosen, with the account and the side, and its verifying shows among the transfers', async () => {
    await world({ shell: { pick_file: () => '/media/stick/receipt.json' } })
    render(VerifyFileDialog)
    expect(await screen.findByRole('button', { name: 'Verify' })).toHaveAttribute('aria-disabled', 'true')
    await userEvent.click(screen.getByRole('button', { name: 'Choose…' }))
    expect(await screen.findByText('/media/stick/receipt.json')).toBeVisible()
    await userEvent.selectOptions(screen.getByLabelText('Account'), 'B')
    await userEvent.click(screen.getByLabelText('The files on this computer'))
    await userEvent.click(screen.getByRole('button', { name: 'Verify' }))
    expect(asked('verify')).toEqual([{ kind: 'file', path: '/media/stick/receipt.json', account: 'b', side: 'computer' }])
    await waitFor(() => expect(jobs.queue.map(({ view }) => view.kind)).toContain('verify'))
  })
  test('that is none is said there', async () => {
    await world({ handlers: { verify: () => { throw problem('receipt.unreadable', 'This is not a receipt of Wherry.', 'Choose another file.') } } })
    render(VerifyFileDialog)
    await userEvent.click(await screen.findByRole('button', { name: 'Choose…' }))
    await userEvent.click(screen.getByRole('button', { name: 'Verify' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('This is not a receipt of Wherry.')
    expect(notice.line).toBeNull()
  })
})

describe('words', () => {
  test.each([
    ['Upload 240 files to Thesis/data/', 'json' as const, 'receipt-upload-240-files-to-thesis-data.json'],
    ['../..\u202E', 'csv' as const, 'receipt.csv'],
    ['a'.repeat(300), 'json' as const, `receipt-${'a'.repeat(60)}.json`],
    ['Café d’été', 'csv' as const, 'receipt-cafe-d-ete.csv'],
    ['x', 'bagit' as const, 'manifest-md5.txt'],
    ['x', 'bagit-sha256' as const, 'manifest-sha256.txt'],
  ])('a name for the receipts of %j', (title, format, name) => expect(fileName(title, format)).toBe(name))
  test('of what was saved', () => {
    expect(savedWords({ files: 1, leftOut: 0 })).toBe('1 receipt saved.')
    expect(savedWords({ files: 3, leftOut: 1 })).toBe('3 receipts saved. 1 file is not in it: no checksum of it is known or can be had.')
  })
})
