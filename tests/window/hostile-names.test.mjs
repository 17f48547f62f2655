/** Keys are hostile text: they are shown as text, and no download leaves the chosen folder. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { until } from './harness/until.mjs'

const LONG = `long-${'x'.repeat(1019)}`
/** Each with its own content, so that what arrives can be told apart whatever it is called. */
const KEYS = [
  '../../escaped.txt',
  '/etc/absolute.txt',
  'a//b.txt',
  'a',
  'a/inside.txt',
  'dots/../up.txt',
  'dots/./here.txt',
  '<img src=x onerror="document.title=`owned`">.txt',
  "';alert(1);'.txt",
  '{{7*7}} ${7*7}.txt',
  '🚣🏽‍♀️ emoji.txt',
  'שלום.txt',
  'evil\u202Etxt.exe',
  'two\nlines.txt',
  'tab\there.txt',
  'trailing dot.',
  ' spaces around ',
  'CON',
  'back\\slash\\..\\..\\up.txt',
  'file:colon.txt',
  LONG,
]

// Promise: Whatever a folder holds, its names are shown as text: control characters and marks that
// turn the direction of writing are made visible.
// Promise: No key makes a file outside the folder chosen for the download.
windowTest('hostile names are listed as text and downloaded inside the folder', async ({ user, start, step }) => {
  const bucket = `hostile-${process.pid}`
  await gateway().make(bucket, Object.fromEntries(KEYS.map((key, i) => [key, `content ${i}`])))
  const target = join(user.downloads, 'deep', 'inside')
  user.files('Downloads/deep/inside', { 'was here.txt': 'before' })
  user.settings(`downloadFolder = ${JSON.stringify(target)}\n`)
  const app = await start()
  const { page } = app

  await step('they are listed', async () => {
    await deeds.addGatewayAccount(page, 'Gateway')
    await app.resize(1280, 790)
    await deeds.openBucket(page, bucket)
    await page.says('4 folders · 15 objects')
    await app.shot('hostile-names')
  })

  await step('as text', async () => {
    // The line below the rows is there before the last of them.
    const names = await until('all rows to be there', async () => {
      const names = (await deeds.rows(page)).map(([name]) => name)
      return names.length === 19 && names
    })
    for (const name of ['<img src=x onerror="document.title=`owned`">.txt', '{{7*7}} ${7*7}.txt', '🚣🏽‍♀️ emoji.txt', 'שלום.txt'])
      assert.ok(names.includes(name), name)
    assert.ok(names.includes(LONG), '1,024 bytes, all of them')
    assert.ok(names.includes('evil‹202E›txt.exe'), 'what turns the text around is made visible')
    assert.ok(names.includes('two‹LF›lines.txt'))
    assert.ok(!(await page.session.run(() => document.querySelector('img[src="x"]'))))
    assert.notEqual(await page.session.run(() => document.title), 'owned')
  })

  await step('folders with odd names open', async () => {
    await (await deeds.row(page, 'a/')).doubleClick()
    await deeds.shows(page, ['(no name)/', 'inside.txt'])
    await (await deeds.row(page, '(no name)/')).doubleClick()
    await deeds.shows(page, ['b.txt'])
    await page.keys('Backspace')
    await deeds.shows(page, ['(no name)/', 'inside.txt'])
    await page.keys('Backspace')
    await (await deeds.row(page, '../')).doubleClick()
    await deeds.shows(page, ['../'])
    await page.keys('Backspace')
  })

  await step('all are downloaded, and the plan says what becomes of their names', async () => {
    await (await deeds.row(page, 'a')).click()
    await page.keys('Control+a')
    const said = await deeds.transfer(page, async () => {
      await page.press('Download')
      await page.find('button', /^Download \d+ objects$/)
      await page.says(/to know about/)
      await app.shot('hostile-plan')
    })
    assert.match(said, /^Done/)
  })

  await step('nothing is outside the folder, and nothing is lost', () => {
    assert.deepEqual(readdirSync(user.downloads), ['deep'])
    assert.deepEqual(readdirSync(join(user.downloads, 'deep')), ['inside'])
    assert.ok(!existsSync('/etc/absolute.txt'))
    assert.equal(readFileSync(join(target, 'was here.txt'), 'utf8'), 'before')
    const contents = filesBelow(target).map((path) => readFileSync(path, 'utf8'))
    const missing = KEYS.filter((_, i) => !contents.includes(`content ${i}`))
    assert.deepEqual(missing, [], 'every object arrived under some name')
    return Promise.resolve()
  })
})

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesBelow(path) : [path]
  })
}
