/** A first run without any institution: the practice store, and everything in it by keyboard. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import * as deeds from './harness/deeds.mjs'
import { answerFileDialog } from './harness/screen.mjs'
import { until } from './harness/until.mjs'

windowTest('the practice store, from the first run on, without touching the mouse', async ({ user, start, step }) => {
  // No two folders begin alike: the file dialog would complete the path.
  const files = user.files('to upload', {
    'notes/2023/january.txt': 'snow',
    'notes/2023/july.txt': 'sun',
    'notes/winter/december.txt': 'rain',
    'notes/plan.txt': 'row, row, row',
    'notes/Zürich.txt': 'far',
  })
  const app = await start()
  const { page } = app
  const stored = (key) => join(user.wherry, 'practice', 'boats', key)

  await step('the practice store is one Tab and Enter away', async () => {
    await page.find('heading', 'Welcome to Wherry')
    await app.shot('welcome')
    await tabTo(page, 'Try the practice store')
    await app.keys('Return')
    await page.find('treeitem', /^Practice/)
    await app.shot('practice-store')
  })

  await step('a bucket is made', async () => {
    await tabTo(page, 'New bucket…')
    await app.keys('Return')
    await page.find('dialog', 'New bucket')
    await page.keys('B')
    await page.says(/small letters|lower/i)
    await app.keys('BackSpace')
    await page.keys('boats')
    await app.keys('Return')
    await page.find('heading', 'This bucket is empty')
    await app.shot('empty-bucket')
  })

  await step('a folder is uploaded', async () => {
    const said = await deeds.transfer(page, async () => {
      await tabTo(page, 'Upload a folder…')
      await app.keys('Return')
      await answerFileDialog('Upload a folder to boats/', join(files, 'notes'))
    })
    assert.match(said, /^Done: 5 files sent/)
    await deeds.shows(page, ['notes/'])
    assert.equal(readFileSync(stored('notes/2023/july.txt'), 'utf8'), 'sun')
  })

  await step('arrows, Enter and Backspace go through folders', async () => {
    await app.keys('Escape')
    await focusTable(page)
    await app.keys('Down', 'Return')
    await deeds.shows(page, ['2023/', 'winter/', 'plan.txt', 'Zürich.txt'])
    await app.keys('Home', 'Return')
    await deeds.shows(page, ['january.txt', 'july.txt'])
    await app.keys('BackSpace')
    await deeds.shows(page, ['2023/', 'winter/', 'plan.txt', 'Zürich.txt'])
    assert.equal(await cursorRow(page), 'Folder 2023', 'the folder one came from is the current row')
    await app.keys('alt+Left')
    await deeds.shows(page, ['january.txt', 'july.txt'])
    await app.keys('alt+Right')
    await deeds.shows(page, ['2023/', 'winter/', 'plan.txt', 'Zürich.txt'])
  })

  await step('letters go to a name, the filter hides the others', async () => {
    await app.keys('p')
    await until('the cursor on plan.txt', async () => (await cursorRow(page)) === 'plan.txt')
    await app.keys('ctrl+f')
    await page.keys('zü')
    await deeds.shows(page, ['Zürich.txt'])
    await app.keys('BackSpace', 'BackSpace')
    await page.keys('nothing')
    await page.says('Nothing here matches “nothing”')
    await app.keys('Escape')
    await deeds.shows(page, ['2023/', 'winter/', 'plan.txt', 'Zürich.txt'])
  })

  await step('F2 renames', async () => {
    await focusTable(page)
    await app.keys('Home', 'Down', 'Down', 'F2')
    await page.find('dialog', 'Rename “plan.txt”')
    await app.keys('ctrl+a')
    await page.keys('course.txt')
    await app.keys('Return')
    await page.find('button', 'Rename')
    await app.shot('rename-plan')
    await app.keys('Return')
    await deeds.shows(page, ['2023/', 'winter/', 'course.txt', 'Zürich.txt'])
    assert.ok(!existsSync(stored('notes/plan.txt')))
    assert.equal(readFileSync(stored('notes/course.txt'), 'utf8'), 'row, row, row')
  })

  await step('a typed path goes there, and a wrong one says so', async () => {
    await app.keys('ctrl+l')
    await page.find('textbox', 'Path')
    await app.keys('ctrl+a')
    await page.keys('boats/notes/2023/')
    await app.keys('Return')
    await deeds.shows(page, ['january.txt', 'july.txt'])
    await app.keys('ctrl+l')
    await page.find('textbox', 'Path')
    await app.keys('ctrl+a')
    await page.keys('no-such-bucket/')
    await app.keys('Return')
    await page.says(/no such bucket|does not exist|There is no/i)
    await app.keys('alt+Left')
    await deeds.shows(page, ['january.txt', 'july.txt'])
  })

  await step('the menu key offers what can be done', async () => {
    await focusTable(page)
    await app.keys('Home', 'shift+F10')
    await page.find('menuitem', 'Download')
    await page.find('menuitem', /^Rename…/)
    await page.find('menuitem', /^Delete…/)
    await app.shot('context-menu')
    await app.keys('Escape')
    await page.gone('menu')
  })

  await step('Delete shows what will go, Escape keeps it, Enter on the button deletes it', async () => {
    await focusTable(page)
    await app.keys('BackSpace')
    await deeds.shows(page, ['2023/', 'winter/', 'course.txt', 'Zürich.txt'])
    await app.keys('Home', 'Delete')
    await page.find('button', 'Delete 2 objects')
    await page.says('january.txt')
    await app.shot('delete-plan')
    await app.keys('Escape')
    await page.gone('dialog')
    assert.ok(existsSync(stored('notes/2023/july.txt')), 'Escape keeps it')
    await app.keys('Delete')
    await page.find('button', 'Delete 2 objects')
    await tabTo(page, 'Delete 2 objects')
    await app.keys('Return')
    await deeds.shows(page, ['winter/', 'course.txt', 'Zürich.txt'])
    assert.ok(!existsSync(stored('notes/2023/july.txt')))
    await app.shot('browse')
  })
})

/** Presses Tab until the element of this name has the focus. */
async function tabTo(page, name) {
  await until(
    `Tab to reach “${name}”`,
    async () => {
      if ((await page.focused()).name.trim().startsWith(name)) return true
      await page.keys('Tab')
      return false
    },
    { every: 0, seconds: 10 },
  )
}

async function focusTable(page) {
  await (await page.find('grid')).focus()
}

/** The row that the table's cursor is on. */
function cursorRow(page) {
  return page.session.run(() => {
    const row = document.getElementById(document.querySelector('[role=grid]')?.getAttribute('aria-activedescendant'))
    return row?.querySelector('[role=gridcell]').textContent.trim().replace(/\s+/g, ' ') ?? null
  })
}
