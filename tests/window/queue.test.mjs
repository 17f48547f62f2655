/** Transfers that last: paused over a restart, proved afterwards, made again by a sync, and cleaned up after. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { dragFilesTo } from './harness/screen.mjs'
import { until } from './harness/until.mjs'

/** A menu that has just opened may still be on its way to its place. */
function choose(page, entry) {
  return until(`the entry ${entry} to be chosen`, async () => {
    const item = await page.find('menuitem', entry)
    return item.click().then(() => true, (error) => !/intercepted/.test(error.message) && Promise.reject(error))
  })
}

windowTest('a paused upload is there after a restart, goes on where it was, and is proved', async ({ user, start, step }) => {
  const bucket = `paused-${process.pid}`
  const store = gateway()
  await store.make(bucket)
  const folder = user.files('data', { 'big.bin': '', 'note.txt': 'a note' })
  truncateSync(join(folder, 'big.bin'), 256 << 20)
  // So slow that there is time to pause it in the middle.
  user.settings('[transfers]\nuploadLimit = 20000000\n')

  let sent
  await step('it is slow, as the settings say, and pauses', async () => {
    const app = await start()
    await app.moveAside()
    await deeds.addGatewayAccount(app.page, 'Gateway')
    await deeds.openBucket(app.page, bucket)
    const heading = await app.page.find('heading', 'This bucket is empty')
    await deeds.beginTransfer(app.page, async () => dragFilesTo(await app.middle(heading), [folder]))
    await until('a part to have been sent', async () => (await store.unfinished(bucket)).length > 0)
    await until('it to be well on its way', async () => /, [3-9]\d\.\d MB of/.test((await deeds.transfers(app.page))[0].words))
    await app.page.press(/^Pause “Upload/)
    sent = await until('it to be paused', async () => {
      const { words } = (await deeds.transfers(app.page))[0]
      return words.startsWith('Paused after') && words
    })
    assert.deepEqual(await store.unfinished(bucket), ['data/big.bin'], 'what was sent is kept')
    await app.shot('paused')
    await app.close()
  })

  await step('after a restart it still is, and the same upload goes on', async () => {
    user.settings('')
    const app = await start()
    const { page } = app
    assert.ok((await deeds.transfers(page))[0].words.startsWith('Paused after'), sent)
    await page.press(/^Resume “Upload/)
    assert.match(await deeds.transferEnds(page), /^Done: 2 files sent/)
    assert.deepEqual(await store.unfinished(bucket), [])
    assert.equal(await store.size(bucket, 'data/big.bin'), 256 << 20)
  })
})

windowTest('what arrived is in the history, with a receipt that finds a changed file', async ({ user, start, step }) => {
  const bucket = `proved-${process.pid}`
  const store = gateway()
  await store.make(bucket)
  const folder = user.files('proof', { 'one.txt': 'one', 'two.txt': 'two' })
  const app = await start()
  const { page } = app
  await app.moveAside()
  await deeds.addGatewayAccount(page, 'Gateway')
  await deeds.openBucket(page, bucket)
  assert.match(await deeds.dropFiles(app, await page.find('heading', 'This bucket is empty'), [folder]), /^Done: 2 files sent/)

  await step('the history has it, after the list was cleared too', async () => {
    await page.press('Clear finished')
    await page.press('History')
    await page.says('Upload “proof” to')
    await app.shot('history')
  })

  await step('its receipt is saved', async () => {
    await page.press(/^Receipts of “Upload “proof”/)
    await page.says('2 files arrived')
    await app.shot('receipts')
    await page.press('Save as…')
    await choose(page, /JSON/)
    await deeds.answerFileDialog('Save receipts', join(user.root, 'receipt.json'))
    await until('the receipt', () => existsSync(join(user.root, 'receipt.json')))
    const receipt = JSON.parse(readFileSync(join(user.root, 'receipt.json'), 'utf8'))
    assert.ok(JSON.stringify(receipt).includes('f97c5d29941bfb1b2fdab0874906ab82'), 'the MD5 of “one”')
  })

  await step('looking again at the computer names the file that was changed', async () => {
    appendFileSync(join(folder, 'two.txt'), '!')
    await page.press('Verify again…')
    await choose(page, /computer/)
    await page.keys('Escape')
    await page.gone('dialog')
    await until('the check to end', async () => (await deeds.transfers(page))[0]?.words === '1 file not as the receipt says, 1 as it should be')
    await page.press(/^Files of “/)
    await page.says('two.txt')
    await app.shot('verify-found')
  })
})

windowTest('a sync shows what it will do, does that, and finds nothing the second time', async ({ user, start, step }) => {
  const bucket = `synced-${process.pid}`
  const store = gateway()
  await store.make(bucket, { 'old/gone.txt': 'only there', 'same.txt': 'same' })
  const folder = user.files('results', { 'same.txt': 'same', 'new.txt': 'new', 'scratch.tmp': 'not me' })
  const app = await start()
  const { page } = app
  await deeds.addGatewayAccount(page, 'Gateway')
  await deeds.openBucket(page, bucket)
  await deeds.shows(page, ['old/', 'same.txt'])

  const look = async () => {
    await page.press('Sync')
    await (await page.find('menuitem', 'Sync this bucket…')).click()
    await page.press('Choose a folder…')
    await deeds.answerFileDialog('The folder on this computer', folder)
    await page.gone('button', 'Choose a folder…')
    await (await page.find('radio', /^Checksum/)).click()
    await (await page.find('checkbox', /^Delete what is only/)).click()
    await deeds.unfold(page, 'Leave files out')
    await page.fill('Not these (optional)', '*.tmp')
    await page.press('Look what would change…')
  }

  await step('the plan', async () => {
    await look()
    await page.says('1 file is only at the destination')
    await page.says('new.txt')
    await app.shot('sync-plan')
  })
  await step('and its run', async () => {
    await (await page.find('checkbox', /^Yes, delete/)).click()
    await page.press(/^Sync: copy 1, delete 1$/)
    await page.gone('dialog')
    await until('the bucket to be like the folder', async () => (await store.keys(bucket)).join() === 'new.txt,same.txt')
  })
  await step('again, there is nothing to do', async () => {
    rmSync(join(folder, 'scratch.tmp'))
    await look()
    await page.says('Both sides are the same')
    await app.shot('sync-nothing')
  })
})

windowTest('unfinished uploads of a bucket are shown and cleaned up', async ({ start }) => {
  const bucket = `unfinished-${process.pid}`
  const store = gateway()
  await store.make(bucket, { 'whole.txt': 'stays' })
  await store.leaveUnfinished(bucket, 'half.bin', 5 << 20)
  const app = await start()
  const { page } = app
  await deeds.addGatewayAccount(page, 'Gateway')
  await (await page.find('treeitem', bucket)).rightClick()
  await (await page.find('menuitem', 'Unfinished uploads…')).click()
  await page.says('half.bin')
  await app.shot('unfinished')
  await (await page.find('checkbox', 'All')).click()
  await page.press('Clean up…')
  await page.press('Clean up 1 upload')
  await page.says('Nothing is unfinished here')
  assert.deepEqual(await store.unfinished(bucket), [])
  assert.deepEqual(await store.keys(bucket), ['whole.txt'])
})
