/**
 * Plans, copies by mouse and keyboard, syncs and unfinished uploads in a browser, on worlds in memory.
 *   node --test tests/plans.browser.mjs
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { row } from './states.mjs'
import states, { bucketMenu, drop, grip, over, press, syncMenu } from './states-plans.mjs'
import { visiting } from './visit.mjs'

const { visit, accessible, roomy } = visiting()
const calls = (page, name) => page.evaluate((name) => window.fake.calls.filter((c) => c.name === name).map((c) => c.args), name)
/** But for what is fetched in case it goes out to the desktop. */
const planned = async (page) => (await calls(page, 'plan')).map(({ what }) => what).filter(({ kind }) => kind !== 'stage')
/** The plan of a copy or a move, once it is asked for. */
async function copied(page) {
  await page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'plan' && c.args.what.kind === 'copy'))
  return (await planned(page)).find(({ kind }) => kind === 'copy')
}
const asked = (page, name) => page.waitForFunction((name) => window.fake.calls.some((c) => c.name === name), name)

accessible(states)
// What is dragged to the accounts needs them beside the folder; there they are a drawer.
roomy(Object.fromEntries(Object.entries(states).filter(([name]) => name !== 'drag-across')))

describe('rows dragged within the window', () => {
  const ghost = (page, words) => page.waitForFunction((words) => document.querySelector('.ghost')?.textContent.includes(words), words)
  const figures = { account: 'a1', bucket: 'thesis', prefix: 'figures/' }

  test('onto a folder of the same bucket: moved, and nothing is fetched', async () => {
    const { page } = await visit('browse')
    await grip(page, 'README.md')
    await over(page, row(page, 'figures'))
    await ghost(page, 'Move 1 item to figures/')
    await page.mouse.up()
    await page.getByRole('dialog').waitFor()
    const [what, ...more] = await planned(page)
    assert.deepEqual(more, [])
    assert.equal(what.kind, 'copy')
    assert.deepEqual(what.to, figures)
    assert.equal(what.removeOriginals, true)
    assert.deepEqual(what.selection.keys, [{ kind: 'object', key: 'README.md' }])
    await press(page, 'Move 1 object')
    await row(page, 'README.md').waitFor({ state: 'detached' })
    await page.close()
  })

  test('with Ctrl it is copied, also when Ctrl is pressed while the mouse rests', async () => {
    const { page } = await visit('browse')
    await grip(page, 'README.md')
    await over(page, row(page, 'figures'))
    await page.keyboard.down('Control')
    await ghost(page, 'Copy 1 item to figures/')
    await page.mouse.up()
    await page.keyboard.up('Control')
    assert.equal((await copied(page)).removeOriginals, false)
    await page.close()
  })

  test('onto a bucket of another account, which opens when one waits on it: copied', async () => {
    const { page } = await visit('browse')
    await grip(page, 'figures')
    await over(page, page.getByRole('treeitem', { name: 'CloudFerro WAW3-1' }))
    await page.getByRole('treeitem', { name: 'sentinel-2-tiles' }).waitFor()
    await over(page, page.getByRole('treeitem', { name: 'sentinel-2-tiles' }))
    await ghost(page, 'Copy 1 item to sentinel-2-tiles of CloudFerro')
    await page.mouse.up()
    const what = await copied(page)
    assert.deepEqual(what.to, { account: 'a2', bucket: 'sentinel-2-tiles', prefix: '' })
    assert.equal(what.removeOriginals, false)
    await page.close()
  })

  test('onto the path: up, out of the folder', async () => {
    const { page } = await visit('folder')
    await grip(page, 'station_001.csv')
    const crumb = page.getByRole('navigation', { name: 'Path' }).getByRole('button').last()
    const box = await crumb.boundingBox()
    await page.mouse.move(box.x + 10, box.y + 10, { steps: 3 })
    await ghost(page, 'They are in this folder already')
    await page.mouse.up()
    assert.deepEqual((await planned(page)).filter(({ kind }) => kind === 'copy'), [])
    await page.close()
    const wide = await visit('folder', { size: '1920x1080' })
    await grip(wide.page, 'station_001.csv')
    const up = await wide.page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name: 'thesis' }).boundingBox()
    await wide.page.mouse.move(up.x + 10, up.y + 10, { steps: 3 })
    await ghost(wide.page, 'Move 1 item to thesis')
    assert.equal(await wide.page.locator('.crumb.target').count(), 1)
    await wide.page.mouse.up()
    await wide.page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'plan' && c.args.what.kind === 'copy'))
    await wide.page.close()
  })

  test('a folder does not go into itself, and Escape gives up', async () => {
    const { page } = await visit('browse')
    await grip(page, 'figures')
    await ghost(page, 'A folder cannot go into itself')
    await over(page, row(page, 'data'))
    await ghost(page, 'Move 1 item to data/')
    await page.keyboard.press('Escape')
    await page.locator('.ghost').waitFor({ state: 'detached' })
    await page.mouse.up()
    await page.waitForTimeout(200)
    assert.deepEqual((await planned(page)).filter(({ kind }) => kind === 'copy'), [])
    await page.close()
  })

  test('handed to the desktop and come back: moved in the store, and not uploaded', async () => {
    const { page } = await visit('staging')
    await page.evaluate(() => {
      // The desktop has the drag until this test lets it go.
      const shell = window.fake.shell.bind(window.fake)
      window.fake.shell = (name, args) => (name === 'drag_out' ? new Promise((done) => (window.endDrag = done)) : shell(name, args))
    })
    await grip(page, 'README.md')
    await page.getByText('keep the button pressed').first().waitFor()
    await page.evaluate(async () => {
      const job = await window.fake.handlers.run_plan({ plan: 'staged' })
      window.fake.tell({ kind: 'jobs', jobs: [{ ...job, state: 'done', filesDone: 1, ended: job.started }] })
    })
    await page.waitForFunction(() => 'endDrag' in window)
    const box = await row(page, 'figures').boundingBox()
    const at = { x: box.x + 60, y: box.y + 10 }
    await page.evaluate((at) => window.fake.drag.enter(['/tmp/stage/README.md'], at), at)
    await page.getByText('Move 1 item to').waitFor()
    await page.evaluate((at) => window.fake.drag.drop(['/tmp/stage/README.md'], at), at)
    await page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'plan' && c.args.what.kind === 'copy'))
    assert.deepEqual((await planned(page)).filter(({ kind }) => kind === 'upload'), [])
    await page.mouse.up()
    await page.close()
  })
})

describe('copied and pasted by keyboard', () => {
  const select = async (page, name) => {
    await row(page, name).click()
    await page.getByRole('grid').focus()
  }

  test('cut here, pasted there, once', async () => {
    const { page } = await visit('browse')
    await select(page, 'README.md')
    await page.keyboard.press('Control+x')
    await page.getByText('1 item cut').waitFor()
    assert.equal(await page.locator('[role=row].cut').count(), 1)
    await page.keyboard.type('figures')
    await page.keyboard.press('Enter')
    await row(page, 'figure-1.png').waitFor()
    await page.keyboard.press('Control+v')
    await press(page, 'Move 1 object')
    await row(page, 'README.md').waitFor()
    await page.keyboard.press('Control+v')
    await page.getByText('Nothing was pasted. Copy or cut something first.').waitFor()
    await page.close()
  })

  test('copied, pasted where it is: said why not', async () => {
    const { page } = await visit('browse')
    await select(page, 'README.md')
    await page.keyboard.press('Control+c')
    assert.equal(await page.evaluate(() => window.fake.clipboard), 's3://thesis/README.md')
    await page.keyboard.press('Control+v')
    await page.getByText('They are in this folder already').waitFor()
    assert.deepEqual(await planned(page), [])
    await page.close()
  })

  test('all of a folder: its listing is kept until something else is copied', async () => {
    const { page } = await visit('folder')
    await page.getByRole('grid').focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.press('Control+c')
    const listing = (await page.evaluate(() => window.fake.calls.filter((c) => c.name === 'rows').at(-1).args.listing))
    await page.keyboard.press('Alt+ArrowUp')
    await row(page, 'figures').waitFor()
    assert.ok(!(await calls(page, 'close_listing')).includes(listing), 'still needed')
    await select(page, 'README.md')
    await page.keyboard.press('Control+c')
    await page.waitForFunction((listing) => window.fake.calls.some((c) => c.name === 'close_listing' && c.args === listing), listing)
    await page.close()
  })

  test('“Copy to…”: through accounts, buckets and folders with the arrow keys', async () => {
    const { page } = await visit('browse')
    await select(page, 'README.md')
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menuitem', { name: 'Copy to…' }).click()
    await page.getByRole('option', { name: 'figures' }).waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'listbox')
    await page.keyboard.type('f')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('[role=dialog] input[type=text]').value === 'thesis/figures/')
    await page.keyboard.press('Backspace')
    await page.keyboard.press('Backspace')
    await page.getByRole('option', { name: 'scratch' }).waitFor()
    const field = page.getByLabel('Bucket and folder')
    await field.fill('scratch/new folder')
    // Enter before the pause in the typing: what is typed counts.
    await field.press('Enter')
    await page.waitForFunction(() => window.fake.calls.some((c) => c.name === 'plan'))
    assert.deepEqual((await planned(page))[0].to, { account: 'a1', bucket: 'scratch', prefix: 'new folder/' })
    await page.close()
  })
})

describe('a plan', () => {
  test('five thousand conflicts: the last one gets its own answer by keyboard', async () => {
    const { page } = await visit('plan-many-conflicts')
    await drop(page)
    await page.getByText('Choose for each').click()
    const list = page.getByRole('grid', { name: 'Already there' })
    await list.focus()
    await page.keyboard.press('End')
    await page.getByText('station_04999.csv').waitFor()
    assert.ok((await list.locator('[role=row]').count()) < 40, 'only those that can be seen exist')
    await page.keyboard.press('ArrowRight')
    await page.getByText('1 has an answer of its own.').waitFor()
    await press(page, 'Upload 7,091 files')
    await asked(page, 'run_plan')
    const [run] = await calls(page, 'run_plan')
    assert.deepEqual(run, { plan: 'p1', onConflict: 'skip', includeSame: false, each: [{ item: 4999, choice: 'overwrite' }], leftOut: { copies: [], deletions: [], allDeletions: false } })
    await page.close()
  })

  test('the file at the cursor stays in sight when there is no room for its columns any more, and when there is again', async () => {
    const { page } = await visit('plan-many-conflicts')
    page.setDefaultTimeout(5_000)
    await drop(page)
    await page.getByText('Choose for each').click()
    const list = page.getByRole('grid', { name: 'Already there' })
    await list.focus()
    for (const [key, name] of [['End', 'station_04999.csv'], ['PageUp', 'station_04995.csv']]) {
      await page.keyboard.press(key)
      await page.getByText(name).waitFor()
      const height = () => list.evaluate((list) => list.querySelector('[role=row]').clientHeight)
      const roomy = await height()
      for (const [width, cramped] of [[600, true], [1280, false]]) {
        await page.setViewportSize({ width, height: 800 })
        // Its row is of the other height, and all of it is within the list.
        await page.waitForFunction(
          ({ name, roomy, cramped }) => {
            const list = document.querySelector('[role=grid][aria-label^="Already there"]')
            const row = [...list.querySelectorAll('[role=row]')].find((row) => row.textContent.includes(name))
            if (!row || cramped !== row.clientHeight > roomy) return false
            const [of, within] = [row.getBoundingClientRect(), list.getBoundingClientRect()]
            return of.top >= within.top - 1 && of.bottom <= within.bottom + 1
          },
          { name, roomy, cramped },
        )
      }
    }
    await page.close()
  })

  test('to run elsewhere and back, the answers stay', async () => {
    const { page } = await visit('plan-many-conflicts')
    await drop(page)
    await page.getByLabel('Replace what is there').check()
    await press(page, 'Run elsewhere…')
    await page.getByText('#SBATCH --job-name').waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'tab')
    await page.keyboard.press('ArrowRight')
    await page.getByText('s5cmd --endpoint-url').waitFor()
    await press(page, 'Save script…')
    await page.getByText('Saved as /home/ada/wherry-s5cmd.sbatch').waitFor()
    assert.deepEqual(await calls(page, 'save_elsewhere'), [{ plan: 'p1', tool: 's5cmd', what: 'script', path: '/home/ada/wherry-s5cmd.sbatch' }])
    await press(page, 'Back to the plan')
    // Escape goes one step back, too, and not away from a plan that took minutes.
    await press(page, 'Run elsewhere…')
    await page.getByText('#SBATCH --job-name').waitFor()
    await page.keyboard.press('Escape')
    assert.ok(await page.getByLabel('Replace what is there').isChecked())
    await page.keyboard.press('Escape')
    await asked(page, 'drop_plan')
    await page.close()
  })
})

test('a sync: set up, looked at, a row left out, its deletions meant, run; and back to change it', async () => {
  const { page } = await visit('plan-sync')
  await syncMenu(page, 'Sync this bucket…')
  await press(page, 'Choose a folder…')
  await page.getByLabel('Checksum').check()
  await page.getByLabel('Delete what is only at the destination').check()
  await press(page, 'Look what would change…')
  await page.getByText('112 files are only at the destination').waitFor()
  await press(page, 'Change…')
  assert.ok(await page.getByLabel('Checksum').isChecked())
  await page.getByText('Leave files out').click()
  await page.getByLabel('Not these').fill('*.tmp\n\n /scratch/ ')
  await press(page, 'Look what would change…')
  await page.getByRole('button', { name: 'Sync: copy 104, delete nothing' }).waitFor()
  await page.getByText('What will be replaced (24)').click()
  const changed = page.getByRole('grid', { name: 'Changed: will be replaced' })
  await changed.focus()
  await page.keyboard.press('End')
  await changed.getByText('station_00023.csv').waitFor()
  await page.keyboard.press('Space')
  await page.getByText('1 row is left out.').waitFor()
  await page.getByLabel('Yes, delete these 112 files').check()
  await page.getByRole('button', { name: 'Sync: copy 103, delete 112' }).click()
  await asked(page, 'run_plan')
  const { sync } = (await planned(page)).at(-1)
  assert.deepEqual(sync, {
    from: { kind: 'folder', path: '/home/ada/Downloads' },
    to: { kind: 'place', location: { account: 'a1', bucket: 'thesis', prefix: '' } },
    compare: 'checksum',
    delete: true,
    include: [],
    exclude: ['*.tmp', '/scratch/'],
    withLitter: false,
  })
  assert.deepEqual((await calls(page, 'run_plan'))[0].leftOut, { copies: [23], deletions: [], allDeletions: false })
  await page.close()
})

test('a sync that gets a name asks for it where one looks', async () => {
  const { page } = await visit('plan-sync', { size: '1100x720' })
  await syncMenu(page, 'Sync this bucket…')
  await page.getByLabel('Keep it under a name').check()
  const name = page.getByLabel('Name', { exact: true })
  await page.waitForFunction(() => document.activeElement.getAttribute('placeholder') === 'Nightly results')
  const below = await name.evaluate((field) => field.getBoundingClientRect().bottom - field.closest('.body').getBoundingClientRect().bottom)
  assert.ok(below <= 0, `${below} px below what is seen`)
  assert.notEqual(await name.inputValue(), '')
  await page.close()
})

test('unfinished uploads: chosen with the keyboard, asked, cleaned up', async () => {
  const { page } = await visit('unfinished')
  await bucketMenu(page, 'Unfinished uploads…')
  const list = page.getByRole('grid', { name: 'Unfinished uploads' })
  await list.focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('End')
  await page.keyboard.press('Home')
  await press(page, 'Clean up…')
  await page.getByText('4.20 GB are freed').waitFor()
  await press(page, 'Clean up 1 upload')
  await page.getByText('1 unfinished upload cleaned up, 4.20 GB freed.').waitFor()
  assert.deepEqual(await calls(page, 'clean_uploads'), [{ account: 'a1', bucket: 'thesis', uploads: [{ key: 'data/2024/t2m_2024.nc', upload: 'u1' }] }])
  await page.close()
})
