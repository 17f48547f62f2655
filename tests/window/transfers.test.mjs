/** Transfers as one watches them: conflicts are asked about, stopping stops, what failed says why and can go on. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { dragFilesTo, mouse } from './harness/screen.mjs'
import { until } from './harness/until.mjs'

windowTest('dropping onto what is there: nothing is replaced that the plan did not say', async ({ user, start, step }) => {
  const stored = (key) => join(user.wherry, 'practice', 'boats', key)
  mkdirSync(stored('logs'), { recursive: true })
  writeFileSync(stored('logs/first.txt'), 'one')
  writeFileSync(stored('plan.txt'), 'the old plan')
  const from = user.files('desk', { 'plan.txt': 'the new, longer plan', 'crew.txt': 'two', 'gone.txt': 'soon gone' })
  const app = await start()
  const { page } = app
  await app.moveAside()
  await deeds.openPracticeStore(page)
  await deeds.openBucket(page, 'boats')
  await deeds.shows(page, ['logs/', 'plan.txt'])

  await step('a drop on a folder’s row goes into that folder', async () => {
    const row = await deeds.row(page, 'logs/')
    const drop = async () => dragFilesTo(await app.middle(row, { x: 0.3 }), [join(from, 'crew.txt')], { over: () => page.says('to boats/logs/') })
    assert.match(await deeds.transfer(page, drop), /^Done: 1 file sent/)
    assert.equal(readFileSync(stored('logs/crew.txt'), 'utf8'), 'two')
  })

  const into = async () => app.middle(await page.find('grid'), { x: 0.5, y: 0.8 })
  await step('a file that is there and differs is asked about, and stays by default', async () => {
    await dragFilesTo(await into(), [join(from, 'plan.txt')])
    await page.says('One is there already, and is different')
    await app.shot('conflict')
    await page.keys('Escape')
    await page.gone('dialog')
    assert.equal(readFileSync(stored('plan.txt'), 'utf8'), 'the old plan')
  })

  await step('keeping both keeps both', async () => {
    const said = await deeds.transfer(page, async () => {
      await dragFilesTo(await into(), [join(from, 'plan.txt')])
      await (await page.find('radio', /^Keep both/)).click()
    })
    assert.match(said, /^Done: 1 file sent/)
    await deeds.shows(page, ['logs/', 'plan (2).txt', 'plan.txt'])
    assert.equal(readFileSync(stored('plan.txt'), 'utf8'), 'the old plan')
    assert.equal(readFileSync(stored('plan (2).txt'), 'utf8'), 'the new, longer plan')
  })

  await step('replacing replaces', async () => {
    const said = await deeds.transfer(page, async () => {
      await dragFilesTo(await into(), [join(from, 'plan.txt')])
      await (await page.find('radio', /^Replace what is there/)).click()
    })
    assert.match(said, /^Done: 1 file sent/)
    assert.equal(readFileSync(stored('plan.txt'), 'utf8'), 'the new, longer plan')
  })

  await step('a file that vanishes after the plan is told by name, and the others arrive', async () => {
    await page.press('Clear finished')
    const said = await deeds.transfer(page, async () => {
      await dragFilesTo(await into(), ['plan.txt', 'gone.txt', 'crew.txt'].map((name) => join(from, name)))
      await page.find('button', 'Upload 2 files')
      rmSync(join(from, 'gone.txt'))
    })
    assert.match(said, /^1 file failed, 1 sent/)
    await page.press(/^Files of “Upload/)
    await page.press('failed: why?')
    await page.says('gone.txt')
    await app.shot('file-vanished')
  })

  await step('one’s own objects, dragged over the window and let go there, are not uploaded', async () => {
    const before = (await deeds.transfers(page)).length
    const row = await deeds.row(page, 'plan.txt')
    const at = await app.middle(row, { x: 0.2 })
    await mouse.move(at)
    await mouse.down()
    await mouse.glide(at, { x: at.x + 40, y: at.y + 60 }, 10)
    await until('the drag to be ready', async () => (await deeds.transfers(page)).length > before)
    await deeds.transferEnds(page)
    await mouse.glide({ x: at.x + 40, y: at.y + 60 }, { x: at.x + 200, y: at.y + 160 }, 30)
    await mouse.up()
    await mouse.glide({ x: at.x + 200, y: at.y + 160 }, at, 30)
    const titles = (await deeds.transfers(page)).map(({ title }) => title)
    assert.ok(!titles.slice(0, titles.length - before).some((title) => title.startsWith('Upload')), titles.join('; '))
    assert.ok(!(await page.has('dialog')))
  })

  await step('a row dragged onto a folder is moved there, once its plan was seen', async () => {
    const from = await app.middle(await deeds.row(page, 'plan (2).txt'), { x: 0.2 })
    const to = await app.middle(await deeds.row(page, 'logs/'), { x: 0.3 })
    await mouse.move(from)
    await mouse.down()
    await mouse.glide(from, to, 15)
    await app.shot('drag-within')
    await mouse.up()
    await page.says(/once its copy is there and checked/)
    assert.ok(existsSync(stored('plan (2).txt')), 'nothing moves before')
    await page.press('Move 1 object')
    await until('the file to be in the folder', () => existsSync(stored('logs/plan (2).txt')) && !existsSync(stored('plan (2).txt')))
    assert.equal(readFileSync(stored('logs/plan (2).txt'), 'utf8'), 'the new, longer plan')
  })
})

windowTest('a transfer that is stopped stops, and goes on when asked', async ({ user, start, step }) => {
  const bucket = `stopped-${process.pid}`
  await gateway().make(bucket)
  await gateway().fill(bucket, 40, 8 << 20)
  user.settings(`downloadFolder = ${JSON.stringify(user.downloads)}\n`)
  const app = await start()
  const { page } = app
  await deeds.addGatewayAccount(page, 'Gateway')
  await deeds.openBucket(page, bucket)
  await until('the rows', async () => (await deeds.rows(page)).length > 10)
  await (await deeds.row(page, '0000.bin')).click()
  await page.keys('Control+a')
  await deeds.beginTransfer(page, () => page.press('Download'))

  await step('stopped', async () => {
    await until('the first files', () => readdirSync(user.downloads).some((name) => name.endsWith('.bin')))
    await page.press(/^Cancel “Download/)
    assert.match(await deeds.transferEnds(page), /^Cancelled after \d+ of 40 files/)
    await app.shot('cancelled')
    const there = readdirSync(user.downloads)
    assert.ok(there.length < 40, 'it was stopped in the middle')
    assert.ok(there.every((name) => /^\d{4}\.bin$/.test(name)), `nothing half-done is left: ${there}`)
  })
  await step('and going on', async () => {
    await page.press(/^Try again: “Download/)
    await until('the end', async () => /^Done/.test((await deeds.transfers(page))[0].words), { seconds: 60 })
    assert.equal(readdirSync(user.downloads).length, 40)
    assert.ok(existsSync(join(user.downloads, '0039.bin')))
  })
})
