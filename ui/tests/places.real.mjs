/**
 * Between two accounts, and what was never finished, on the real engine, the practice store and a real
 * gateway, in a browser:
 *   tests/testbed/testbed with --rgw -- npm run test:real --prefix ui
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before } from 'node:test'
import { copies, drop, startReal, test, until } from './real.mjs'
import { row } from './states.mjs'

if (!process.env.WHERRY_TESTBED) throw new Error('these tests want servers: tests/testbed/testbed with --rgw -- npm run test:real --prefix ui')
const { bed, gateway } = await import('../../tests/window/harness/bed.mjs')
const { endpoint, user } = bed.rgw
const store = gateway()
const bucket = `places-${process.pid}`
let real
let page
let errors

const dialog = () => page.getByRole('dialog')
const press = (name) => dialog().getByRole('button', { name, exact: true }).click()
const jobs = () => real.call('jobs')

before(async () => {
  await store.make(bucket, { 'whole.txt': 'whole' })
  for (const name of ['left behind.nc', 'also ü.bin', 'stays.bin']) await store.leaveUnfinished(bucket, name, 5 << 20)
  real = await startReal()
  ;({ page, errors } = await real.page())
  page.setDefaultTimeout(20_000)
  await page.getByRole('button', { name: /practice store/i }).click()
  await page.getByRole('button', { name: 'New bucket…' }).first().click()
  await dialog().getByRole('textbox').fill('here')
  await page.keyboard.press('Enter')
  await page.getByText('This bucket is empty').waitFor()
  await mkdir(`${real.home}/files`)
  await writeFile(`${real.home}/files/notes.txt`, 'some notes')
  await drop(page, [`${real.home}/files/notes.txt`], { x: 700, y: 400 })
  await row(page, 'notes.txt').waitFor()
  await real.call('add_account', {
    name: 'Gateway',
    provider: 'ceph',
    endpointIndex: null,
    fields: {},
    endpoint,
    region: null,
    signing: null,
    addressing: null,
    accessKeyId: user.access_key,
    secret: user.secret_key,
    sessionToken: null,
    caFile: null,
    proxy: null,
    expires: null,
  })
})
after(async () => {
  await real?.close()
  assert.deepEqual(errors, [])
})

const limit = { timeout: 90_000 }

test('a row dragged onto a bucket of another account is copied there, and stays here', limit, async () => {
  const from = await row(page, 'notes.txt').boundingBox()
  await page.mouse.move(from.x + 60, from.y + 10)
  await page.mouse.down()
  const account = page.getByRole('treeitem', { name: 'Gateway' })
  await account.waitFor()
  const over = async (locator) => {
    const box = await locator.boundingBox()
    await page.mouse.move(box.x + 60, box.y + box.height / 2, { steps: 6 })
  }
  await over(account)
  const target = page.getByRole('treeitem', { name: bucket })
  await target.waitFor()
  await over(target)
  await page.waitForFunction((name) => document.querySelector('.ghost')?.textContent.includes(`Copy 1 item to ${name} of Gateway`), bucket)
  await page.mouse.up()
  await copies(real, page, 'Copy 1 object')
  await until(async () => (await jobs()).some(({ kind, state }) => kind === 'copy' && state === 'done'))
  assert.equal(String((await store.read(bucket))['notes.txt']), 'some notes')
  assert.equal(await row(page, 'notes.txt').count(), 1)
})

test('unfinished uploads are listed with their size and who began them, and cleaned up for good', limit, async () => {
  assert.deepEqual((await store.unfinished(bucket)).sort(), ['also ü.bin', 'left behind.nc', 'stays.bin'])
  await page.getByRole('treeitem', { name: bucket }).click({ button: 'right' })
  await page.getByRole('menuitem', { name: 'Unfinished uploads…' }).click()
  await dialog().getByText('3 uploads, 15.7 MB').waitFor()
  for (const name of ['left behind.nc', 'also ü.bin']) await dialog().getByRole('row').filter({ hasText: name }).click()
  await press('Clean up…')
  await dialog().getByText('10.5 MB are freed').waitFor()
  await dialog().getByText('2 of them began less than a day ago').waitFor()
  if (process.env.WHERRY_SHOTS) await page.screenshot({ path: `${process.env.WHERRY_SHOTS}/unfinished.png` })
  await press('Clean up 2 uploads')
  await dialog().getByText('2 unfinished uploads cleaned up, 10.5 MB freed.').waitFor()
  assert.deepEqual((await store.unfinished(bucket)).sort(), ['stays.bin'])
  assert.deepEqual((await store.keys(bucket)).sort(), ['notes.txt', 'whole.txt'], 'nothing that was there is touched')
  await page.keyboard.press('Escape')
  await dialog().waitFor({ state: 'detached' })
})
