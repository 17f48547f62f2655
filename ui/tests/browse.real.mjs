/**
 * Browsing and transfers on the real engine and the practice store, in a browser:
 *   npm run build:bridge && cargo build -p wherry-bridge && node --test ui/tests/browse.real.mjs
 */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { after, before } from 'node:test'
import { drop, startReal, test, until } from './real.mjs'
import { row } from './states.mjs'

let real
let page
let errors
let source

const dialog = () => page.getByRole('dialog')
const gone = () => dialog().waitFor({ state: 'detached' })
const jobs = () => real.call('jobs')
const doneWith = (title) => until(async () => (await jobs()).some((job) => job.title.startsWith(title) && job.state === 'done'))
/** The middle of the table, away from any row that is a folder. */
const EMPTY = { x: 700, y: 700 }

before(async () => {
  real = await startReal()
  source = `${real.home}/campaign`
  await mkdir(`${source}/deep/er`, { recursive: true })
  for (let i = 0; i < 30; i++) await writeFile(`${source}/file ${i}.csv`, `${i}`.repeat(1000 * i))
  await writeFile(`${source}/deep/er/ü – 数据.txt`, 'hello')
  await writeFile(`${source}/big.bin`, Buffer.alloc(20_000_000, 7))
  ;({ page, errors } = await real.page())
  page.setDefaultTimeout(20_000)
})
after(async () => {
  await real.close()
  assert.deepEqual(errors, [])
})

const limit = { timeout: 60_000 }

test('the practice store opens, and a bucket is made', limit, async () => {
  await page.getByRole('button', { name: /practice store/i }).click()
  await page.getByRole('button', { name: 'New bucket…' }).first().click()
  await dialog().getByRole('textbox').fill('No Such Name')
  await dialog().getByRole('alert').waitFor()
  await dialog().getByRole('textbox').fill('thesis')
  await page.keyboard.press('Enter')
  await page.getByText('This bucket is empty').waitFor()
})

test('a folder that is dropped arrives whole', limit, async () => {
  await drop(page, [source], { x: 700, y: 400 })
  await row(page, 'campaign').waitFor()
  await doneWith('Upload “campaign”')
  await row(page, 'campaign').dblclick()
  await row(page, 'big.bin').waitFor()
  await page.getByText('1 folder · 31 objects').first().waitFor()
})

test('dropped on a folder, it lands in that folder', limit, async () => {
  const box = await row(page, 'deep').boundingBox()
  await drop(page, [`${source}/file 1.csv`], { x: box.x + 60, y: box.y + 10 })
  await doneWith('Upload “file 1.csv”')
  const [last] = await jobs()
  assert.equal(last.location.prefix, 'campaign/deep/')
})

test('what is there and the same is not sent again; what differs is asked about', limit, async () => {
  await drop(page, [`${source}/file 3.csv`], EMPTY)
  await dialog().getByRole('button', { name: 'Nothing to upload' }).waitFor()
  await page.keyboard.press('Escape')
  await gone()
  await writeFile(`${source}/file 3.csv`, 'different')
  await drop(page, [`${source}/file 3.csv`], EMPTY)
  await dialog().getByText('One is there already, and is different').waitFor()
  await dialog().getByRole('radio', { name: 'Keep both' }).check()
  await dialog().getByRole('button', { name: 'Upload 1 file' }).click()
  await gone()
  await page.getByText('1 folder · 32 objects').first().waitFor()
})

test('filter, sort and typed path', limit, async () => {
  await page.keyboard.press('Control+f')
  await page.keyboard.type('FILE 2')
  await page.getByText(/^11 of 33 match/).first().waitFor()
  await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').click()
  await page.waitForFunction(() => document.querySelector('[data-index="0"] .text')?.textContent === 'file 29.csv')
  assert.equal(await page.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort'), 'descending')
  await page.getByRole('button', { name: 'Clear filter' }).click()
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click()
  await page.keyboard.press('Control+l')
  await page.getByRole('textbox', { name: 'Path' }).fill('s3://thesis/campaign/deep/er/')
  await page.keyboard.press('Enter')
  await row(page, 'ü – 数据.txt').waitFor()
  await page.keyboard.press('Alt+ArrowLeft')
  await row(page, 'big.bin').waitFor()
})

test('properties, and a link that really works', limit, async () => {
  await row(page, 'file 2.csv').click()
  await page.keyboard.press('Alt+Enter')
  await page.getByText('2.00 kB (2,000 bytes)').waitFor()
  await page.getByRole('button', { name: 'Make a link' }).click()
  await page.getByRole('button', { name: 'Copy link' }).click()
  await page.getByText('Copied').first().waitFor()
  const { copied } = (await real.seen()).find((seen) => seen.copied?.includes('Signature'))
  const answer = await fetch(copied)
  assert.equal(await answer.text(), '2'.repeat(2000))
  await page.keyboard.press('Alt+Enter')
})

test('renamed by plan, and the cursor goes with it', limit, async () => {
  await row(page, 'file 4.csv').click()
  await page.keyboard.press('F2')
  await dialog().getByRole('textbox').fill('renamed.csv')
  await page.keyboard.press('Enter')
  await dialog().getByText('copied to the new name').waitFor()
  await dialog().getByRole('button', { name: 'Rename', exact: true }).click()
  await page.getByRole('row', { name: 'renamed.csv', selected: true }).waitFor()
  assert.equal(await row(page, 'file 4.csv').count(), 0)
})

test('everything downloaded is what was sent', limit, async () => {
  const down = `${real.home}/down`
  await mkdir(down)
  await real.willPick([down])
  await page.getByRole('grid').focus()
  await page.keyboard.press('Control+a')
  await page.getByRole('button', { name: 'Download' }).click()
  await doneWith('Download ')
  const names = (await readdir(down, { recursive: true, withFileTypes: true })).filter((e) => e.isFile()).map((e) => e.name)
  assert.equal(names.length, 34)
  assert.ok((await readFile(`${down}/big.bin`)).equals(await readFile(`${source}/big.bin`)))
  assert.equal(await readFile(`${down}/deep/er/ü – 数据.txt`, 'utf8'), 'hello')
})

test('a double click downloads to the folder of last time', limit, async () => {
  await page.getByRole('grid').focus()
  await page.keyboard.press('Home')
  await row(page, 'big.bin').dblclick()
  await dialog().getByRole('button', { name: 'Nothing to download' }).waitFor()
  await page.keyboard.press('Escape')
  await gone()
})

test('dragged out: fetched first, then handed to the desktop', limit, async () => {
  const box = await row(page, 'file 2.csv').boundingBox()
  await page.mouse.move(box.x + 80, box.y + 10)
  await page.mouse.down()
  await page.mouse.move(box.x + 200, box.y + 90, { steps: 5 })
  await until(async () => (await real.seen()).some((one) => one.dragged))
  await page.mouse.up()
  const { dragged } = (await real.seen()).find((one) => one.dragged)
  assert.equal((await jobs()).find((job) => job.id === dragged).kind, 'stage')
})

test('deleting says what goes, and it goes', limit, async () => {
  await page.getByRole('grid').focus()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await dialog().getByRole('button', { name: 'Delete 34 objects' }).click()
  await gone()
  await page.getByText(/is empty$/).waitFor()
  assert.doesNotMatch(await page.locator('.status').textContent(), /selected/)
})

test('the place is there again the next time', limit, async () => {
  await page.keyboard.press('Control+l')
  await page.getByRole('textbox', { name: 'Path' }).fill('thesis/')
  await page.keyboard.press('Enter')
  await until(async () => {
    const { place } = await real.call('settings')
    return place?.bucket === 'thesis' && place.prefix === ''
  })
  await page.reload()
  await page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name: 'thesis' }).waitFor()
})
