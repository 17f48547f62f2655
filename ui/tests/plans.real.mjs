/**
 * Conflicts one by one, copies and moves between buckets, syncs, saved syncs and running elsewhere on the
 * real engine and the practice store, in a browser:
 *   npm run build:bridge && cargo build -p wherry-bridge && node --test ui/tests/plans.real.mjs
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { after, before } from 'node:test'
import { copies, drop, startReal, test, until } from './real.mjs'
import { row } from './states.mjs'

let real
let page
let errors
let source

const dialog = () => page.getByRole('dialog')
const gone = () => dialog().waitFor({ state: 'detached' })
const press = (name) => dialog().getByRole('button', { name, exact: true }).click()
const jobs = () => real.call('jobs')
const ended = (kind) => until(async () => (await jobs()).find((job) => job.kind === kind && job.state === 'done'))
const account = async () => (await real.call('accounts'))[0].id
/** Whether the store has this object. */
async function there(bucket, key) {
  const ref = { account: await account(), bucket, key }
  return real.call('object_details', ref).then(
    () => true,
    (error) => (/not there|no object|no such/i.test(error.message) ? false : Promise.reject(error)),
  )
}
const goTo = async (path, name) => {
  await page.keyboard.press('Control+l')
  await page.getByRole('textbox', { name: 'Path' }).fill(path)
  await page.keyboard.press('Enter')
  await row(page, name).waitFor()
}
const select = async (name) => {
  await row(page, name).click()
  await page.getByRole('grid').focus()
}
const EMPTY = { x: 700, y: 700 }

before(async () => {
  real = await startReal()
  source = `${real.home}/results`
  await mkdir(`${source}/2026`, { recursive: true })
  for (let i = 0; i < 6; i++) await writeFile(`${source}/run ${i}.csv`, `${i}`.repeat(100))
  await writeFile(`${source}/2026/ü.nc`, 'hello')
  await writeFile(`${source}/scrap.tmp`, 'not wanted')
  ;({ page, errors } = await real.page())
  page.setDefaultTimeout(20_000)
  await page.getByRole('button', { name: /practice store/i }).click()
  for (const name of ['thesis', 'copies']) {
    await page.getByRole('treeitem', { name: /practice/i }).first().click()
    await page.getByRole('button', { name: 'New bucket…' }).first().click()
    await dialog().getByRole('textbox').fill(name)
    await page.keyboard.press('Enter')
    await page.getByText('This bucket is empty').waitFor()
  }
  await goToBucket('thesis')
  await drop(page, [source], { x: 700, y: 400 })
  await row(page, 'results').waitFor()
  await ended('upload')
})
const goToBucket = async (name) => {
  await page.keyboard.press('Control+l')
  await page.getByRole('textbox', { name: 'Path' }).fill(`${name}/`)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name, exact: true }).waitFor()
}
after(async () => {
  await real.close()
  assert.deepEqual(errors, [])
})

const limit = { timeout: 60_000 }

test('one of two conflicts is replaced, the other is left', limit, async () => {
  await goTo('thesis/results/', 'run 0.csv')
  await writeFile(`${source}/run 0.csv`, 'new 0')
  await writeFile(`${source}/run 1.csv`, 'new 1')
  const before = (await jobs()).length
  await drop(page, [`${source}/run 0.csv`, `${source}/run 1.csv`], EMPTY)
  await dialog().getByText('2 are there already, and are different').waitFor()
  const line = dialog().getByRole('row').filter({ hasText: 'run 1.csv' })
  await line.getByRole('button', { name: 'Replace' }).click()
  await press('Upload 1 file')
  await gone()
  await until(async () => (await jobs()).length > before && (await jobs())[0].state === 'done')
  const sizes = await until(async () => {
    const account_ = await account()
    const of = async (key) => (await real.call('object_details', { account: account_, bucket: 'thesis', key })).size
    return [await of('results/run 0.csv'), await of('results/run 1.csv')]
  })
  assert.deepEqual(sizes, [100, 5])
})

test('copied to another bucket with the keyboard', limit, async () => {
  await select('run 2.csv')
  await page.keyboard.press('Control+c')
  await goToBucket('copies')
  await page.keyboard.press('Control+v')
  await copies(real, page, 'Copy 1 object')
  await ended('copy')
  await row(page, 'run 2.csv').waitFor()
  assert.ok(await there('copies', 'run 2.csv'))
  assert.ok(await there('thesis', 'results/run 2.csv'))
})

test('moved with “Move to…” into a folder that was not there', limit, async () => {
  await goTo('thesis/results/', 'run 3.csv')
  await row(page, 'run 3.csv').click({ button: 'right' })
  await page.getByRole('menuitem', { name: 'Move to…' }).click()
  await dialog().getByLabel('Bucket and folder').fill('copies/old/runs')
  await page.keyboard.press('Enter')
  await press('Move 1 object')
  await ended('move')
  await row(page, 'run 3.csv').waitFor({ state: 'detached' })
  assert.ok(await there('copies', 'old/runs/run 3.csv'))
  assert.ok(!(await there('thesis', 'results/run 3.csv')))
})

test('a sync is looked at, deletes only what was meant, and is the same afterwards', limit, async () => {
  await rm(`${source}/run 4.csv`)
  // Changed: another size, and a later time.
  await writeFile(`${source}/2026/ü.nc`, 'hello again')
  await utimes(`${source}/2026/ü.nc`, new Date(), new Date())
  await writeFile(`${source}/new.csv`, 'new')
  await real.willPick([source])
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Sync this folder…' }).click()
  await press('Choose a folder…')
  await dialog().getByText(source).waitFor()
  await dialog().getByLabel('Delete what is only at the destination').check()
  await dialog().getByText('Leave files out').click()
  await dialog().getByLabel('Not these').fill('*.tmp')
  await dialog().getByLabel('Keep it under a name, to run it again').check()
  await dialog().getByLabel('Name', { exact: true }).fill('Nightly')
  await press('Look what would change…')
  await dialog().getByText('Yes, delete').waitFor()
  await dialog().getByRole('button', { name: /^Sync: copy \d+, delete nothing$/ }).waitFor()
  assert.ok(await there('thesis', 'results/run 4.csv'), 'looking changes nothing')
  await dialog().getByText('Yes, delete').click()
  await dialog().getByRole('button', { name: /^Sync: copy \d+, delete 1$/ }).click()
  await ended('sync')
  await until(async () => !(await there('thesis', 'results/run 4.csv')))
  assert.ok(await there('thesis', 'results/new.csv'))
  assert.ok(await there('thesis', 'results/2026/ü.nc'))
  assert.ok(await there('copies', 'run 2.csv'), 'another bucket is nobody’s business')

  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Saved syncs…' }).click()
  await dialog().getByText(/Last run .*: all well/).waitFor()
  await press('Run Nightly…')
  await dialog().getByText('Both sides are the same.').waitFor()
  await page.keyboard.press('Escape')
  await gone()
})

test('the same elsewhere: a command and a script, copied and saved, without a secret', limit, async () => {
  await writeFile(`${source}/more.csv`, 'more')
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Saved syncs…' }).click()
  await press('Run Nightly…')
  await press('Run elsewhere…')
  await dialog().getByText('#SBATCH').first().waitFor()
  const script = `${real.home}/nightly.sbatch`
  await real.willPick([script])
  await press('Save script…')
  await dialog().getByText(`Saved as ${script}`).waitFor()
  const text = await readFile(script, 'utf8')
  assert.match(text, /^#!/)
  assert.match(text, /rclone/)
  assert.match(text, /\*\.tmp/)
  await press('Copy command')
  const { copied } = await until(async () => (await real.seen()).find(({ copied }) => copied?.includes('rclone sync')))
  assert.match(copied, /thesis/)
  // It deletes and filters at once, which s5cmd would do wrongly.
  await dialog().getByRole('tab', { name: 's5cmd' }).click()
  await dialog().getByText('s5cmd cannot do this as Wherry does').waitFor()
  // Back to the plan, then out of it.
  await page.keyboard.press('Escape')
  await dialog().getByRole('button', { name: 'Run elsewhere…' }).waitFor()
  await page.keyboard.press('Escape')
  await gone()
})

test('unfinished uploads: none here, and it says so', limit, async () => {
  await page.keyboard.press('F6')
  await page.getByRole('treeitem', { name: 'thesis' }).first().click({ button: 'right' })
  await page.getByRole('menuitem', { name: 'Unfinished uploads…' }).click()
  await dialog().getByText('Nothing is unfinished here').waitFor()
  await page.keyboard.press('Escape')
  await gone()
})
