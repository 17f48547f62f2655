/**
 * The queue, limits, the history and receipts on the real engine and the practice store, in a browser:
 *   npm run build:bridge && cargo build -p wherry-bridge && node --test ui/tests/transfers.real.mjs
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { after, before } from 'node:test'
import { drop, startReal, test, until } from './real.mjs'
import { row } from './states.mjs'

let real
let page
let errors
let source

const MB = 1_000_000
const dialogOf = (page) => page.getByRole('dialog')
const dialog = () => dialogOf(page)
const gone = () => dialog().waitFor({ state: 'detached' })
const jobs = () => real.call('jobs')
/** The middle of the table, away from any row that is a folder. */
const EMPTY = { x: 700, y: 350 }
const choose = async (button, item) => {
  await page.getByRole('button', { name: button }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

before(async () => {
  real = await startReal()
  source = `${real.home}/campaign`
  await mkdir(source, { recursive: true })
  for (const name of ['one', 'two', 'three']) await writeFile(`${source}/${name}.csv`, name.repeat(1000))
  for (const name of ['first', 'second']) await writeFile(`${source}/${name}.bin`, Buffer.alloc(30 * MB, name.length))
  ;({ page, errors } = await real.page())
  page.setDefaultTimeout(20_000)
  await page.getByRole('button', { name: /practice store/i }).click()
  await page.getByRole('button', { name: 'New bucket…' }).first().click()
  await dialog().getByRole('textbox').fill('thesis')
  await page.keyboard.press('Enter')
  await page.getByText('This bucket is empty').waitFor()
})
after(async () => {
  await real.close()
  assert.deepEqual(errors, [])
})

const limit = { timeout: 90_000 }

test('a small drop is undone from the line that tells of it', limit, async () => {
  await drop(page, [`${source}/one.csv`, `${source}/two.csv`], EMPTY)
  await row(page, 'two.csv').waitFor()
  await page.getByRole('button', { name: 'Undo', exact: true }).click()
  await page.getByText('This bucket is empty').waitFor()
})

test('a limit counts at once, and one transfer at a time lets the other wait', limit, async () => {
  await page.keyboard.press('Control+,')
  await dialog().getByRole('tab', { name: 'Transfers' }).click()
  await dialog().getByLabel('Uploads at most (MB/s)').fill('1')
  await dialog().getByLabel('Transfers', { exact: true }).and(page.locator('select')).selectOption('1')
  await dialog().getByText('Now: uploads at most 1.00 MB/s').waitFor()
  await until(async () => (await real.call('settings')).transfers.uploadLimit === MB)
  await dialog().getByRole('button', { name: 'Done' }).click()
  await gone()
  await page.keyboard.press('Control+j')
  for (const name of ['first', 'second']) {
    await drop(page, [`${source}/${name}.bin`], EMPTY)
    await until(async () => (await jobs()).some((job) => job.title.includes(name) || job.bytesTotal === 30 * MB))
  }
  await until(async () => (await jobs()).filter((job) => job.bytesTotal === 30 * MB).length === 2)
  const [first, second] = (await jobs()).filter((job) => job.bytesTotal === 30 * MB)
  assert.deepEqual([first.state, second.state], ['running', 'waiting'])
  await page.getByRole('list', { name: 'Queue' }).getByText(/^Waiting: 1 file, 30.0 MB/).waitFor()
})

test('what waits runs first when one says so, and what ran waits with what it has', limit, async () => {
  const [first, second] = (await jobs()).filter((job) => job.bytesTotal === 30 * MB)
  await page.getByRole('list', { name: 'Queue' }).getByRole('button', { name: /^More for/ }).nth(1).click()
  await page.getByRole('menuitem', { name: 'Run first' }).click()
  await until(async () => {
    const now = await jobs()
    return now.find(({ id }) => id === second.id).state === 'running' && now.find(({ id }) => id === first.id).state === 'waiting'
  })
})

test('everything is paused, stays so, and goes on where it was', limit, async () => {
  await page.getByRole('button', { name: 'Pause all' }).click()
  await until(async () => (await jobs()).filter((job) => job.state === 'paused').length === 2)
  await page.getByRole('list', { name: 'Queue' }).getByText(/^Paused/).first().waitFor()
  assert.equal(await page.getByRole('button', { name: 'Pause all' }).count(), 0)
  // Without the limit they would be long done.
  await page.keyboard.press('Control+,')
  await dialog().getByRole('tab', { name: 'Transfers' }).click()
  await dialog().getByLabel('Uploads at most (MB/s)').fill('')
  await until(async () => (await real.call('settings')).transfers.uploadLimit === null)
  await page.keyboard.press('Escape')
  await gone()
  assert.equal((await jobs()).filter((job) => job.state === 'paused').length, 2)
  await page.getByRole('button', { name: 'Resume all' }).click()
  await until(async () => (await jobs()).filter((job) => job.bytesTotal === 30 * MB && job.state === 'done').length === 2)
  await row(page, 'second.bin').waitFor()
})

test('the history has it all, finds it, and proves what arrived', limit, async () => {
  await drop(page, [`${source}/one.csv`, `${source}/three.csv`], EMPTY)
  await row(page, 'three.csv').waitFor()
  await page.keyboard.press('Control+Shift+j')
  const grid = page.getByRole('grid', { name: 'Transfers that have ended' })
  await grid.getByText(/^Done: 1 file sent, 30.0 MB/).first().waitFor()
  await page.getByRole('tab', { name: 'Files' }).click()
  await page.getByRole('textbox', { name: 'Search files by their names' }).fill('three')
  const files = page.getByRole('grid', { name: 'Files of all transfers' })
  await files.getByText('three.csv', { exact: true }).waitFor()
  await page.getByText('1 file', { exact: true }).waitFor()
  await files.getByText('three.csv', { exact: true }).dblclick()
  await dialog().getByText('2 files arrived').waitFor()
  await dialog().getByRole('row', { name: /three\.csv/ }).click()
  await dialog().getByText('How it is known').waitFor()
})

test('receipts are saved, and proven from the file', limit, async () => {
  const receipt = `${real.home}/receipt.json`
  await real.willPick([receipt])
  await choose('Save as…', /^JSON/)
  await page.getByText('2 receipts saved.').waitFor()
  assert.match(await readFile(receipt, 'utf8'), /three\.csv/)
  await dialog().getByRole('button', { name: 'Close', exact: true }).last().click()
  await gone()
  await real.willPick([receipt])
  await page.getByRole('button', { name: 'Verify a receipt file…' }).click()
  await dialog().getByRole('button', { name: 'Choose…' }).click()
  await dialog().getByText(receipt).waitFor()
  await dialog().getByRole('button', { name: 'Verify', exact: true }).click()
  await gone()
  await page.getByRole('list', { name: 'Finished' }).getByText(/^Done: 2 files as they should be/).waitFor()
})

test('a file that was changed since is named, with what differs', limit, async () => {
  await writeFile(`${source}/three.csv`, 'THREE'.repeat(1000))
  await real.willPick([`${real.home}/receipt.json`])
  await page.getByRole('button', { name: 'Verify a receipt file…' }).click()
  await dialog().getByRole('button', { name: 'Choose…' }).click()
  await dialog().getByLabel('The files on this computer').check()
  await dialog().getByRole('button', { name: 'Verify', exact: true }).click()
  await gone()
  await page.getByText('1 file not as the receipt says, 1 as it should be').first().waitFor()
  await page.getByRole('list', { name: 'Finished' }).getByRole('button', { name: /^Files of/ }).first().click()
  await page.getByRole('button', { name: 'differs: how?' }).click()
  assert.match(await page.getByRole('alert').textContent(), /three\.csv” is not what its receipt says/)
})

test('forgotten is forgotten, and the objects stay', limit, async () => {
  await page.getByRole('tab', { name: 'Transfers' }).click()
  await page.getByRole('button', { name: 'Clear search' }).first().click()
  await page.getByRole('button', { name: 'Clear history…' }).click()
  await dialog().getByRole('button', { name: 'Clear history' }).click()
  await gone()
  await page.getByText('Nothing has been transferred yet').waitFor()
  await page.keyboard.press('Alt+ArrowLeft')
  await page.keyboard.press('Alt+ArrowLeft')
  await page.keyboard.press('Alt+ArrowLeft')
  await row(page, 'three.csv').waitFor()
})

test('the queue is there after a restart, goes on where it was, and says that it was cut off', limit, async () => {
  const again = await startReal()
  try {
    const big = `${again.home}/big.bin`
    await writeFile(big, Buffer.alloc(60 * MB, 3))
    const { page } = await again.page()
    await page.getByRole('button', { name: /practice store/i }).click()
    await page.getByRole('button', { name: 'New bucket…' }).first().click()
    await dialogOf(page).getByRole('textbox').fill('thesis')
    await page.keyboard.press('Enter')
    await page.getByText('This bucket is empty').waitFor()
    const settings = await again.call('settings')
    await again.call('save_settings', { ...settings, showTransfers: true, transfers: { ...settings.transfers, uploadLimit: 4 * MB } })
    await drop(page, [big], EMPTY)
    // A part that has arrived is what can be gone on from.
    await until(async () => (await again.call('jobs'))[0]?.bytesDone > 12 * MB)
    const [{ account }] = await again.call('jobs')
    const uploads = async () => (await again.call('unfinished_uploads', { account, bucket: 'thesis' })).uploads.map(({ key, upload }) => [key, upload])
    const begun = await uploads()
    assert.equal(begun.length, 1)
    await page.close()
    await again.restart()

    const { page: later } = await again.page()
    await later.getByText('taken up again after it was cut off').waitFor()
    await until(async () => (await again.call('jobs'))[0].bytesDone > 0)
    assert.deepEqual(await uploads(), begun, 'it is the upload that was begun before')
    await again.call('save_settings', { ...(await again.call('settings')), transfers: { ...settings.transfers, uploadLimit: null } })
    await row(later, 'big.bin').waitFor()
    await later.getByRole('list', { name: 'Finished' }).getByText(/^Done: 1 file sent, 60.0 MB/).waitFor()
  } finally {
    await again.close()
  }
})
