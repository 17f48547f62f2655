/** Closed and opened again, or killed: everything is as it was, and nothing half-done looks finished. */
import assert from 'node:assert/strict'
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { gateway, secretTool } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { dragFilesTo } from './harness/screen.mjs'
import { until } from './harness/until.mjs'

windowTest('after closing and opening: account, window and place are as they were', async ({ user, start, step }) => {
  const bucket = `reopened-${process.pid}`
  await gateway().make(bucket, { 'spring/a/one.txt': '1', 'spring/a/two.txt': '22', 'summer.txt': '3' })
  let size

  await step('an account is added, a folder opened, the window resized', async () => {
    const app = await start()
    await deeds.addGatewayAccount(app.page, 'Gateway')
    await deeds.openBucket(app.page, bucket)
    await deeds.shows(app.page, ['spring/', 'summer.txt'])
    await (await deeds.row(app.page, 'spring/')).doubleClick()
    await deeds.shows(app.page, ['a/'])
    await (await deeds.row(app.page, 'a/')).doubleClick()
    await deeds.shows(app.page, ['one.txt', 'two.txt'])
    await app.resize(987, 611)
    const { width, height } = await app.place()
    size = { width, height }
    await app.close()
  })

  await step('the next start shows all of it, without asking for anything', async () => {
    const app = await start()
    await deeds.shows(app.page, ['one.txt', 'two.txt'])
    const { width, height } = await app.place()
    assert.deepEqual({ width, height }, size)
    assert.equal((await app.page.findAll('dialog')).length, 0, 'nothing is asked')
    assert.ok(await app.page.has('grid', `Contents of ${bucket}/spring/a/`))
    assert.equal(await secretTool(deeds.accountId(user)), 'testsecret')
    await app.close()
  })

  await step('a second start brings the open window to the front', async () => {
    const app = await start()
    await deeds.shows(app.page, ['one.txt', 'two.txt'])
    assert.equal(await deeds.startAgain(user), 0)
    assert.deepEqual((await app.page.findAll('grid')).length, 1)
  })
})

// Promise: However the app ended, nothing half-finished has a final name: neither a file nor an
// object.
windowTest('killed in the middle of an upload: it goes on by itself at the next start', async ({ user, start, step }) => {
  const bucket = `killed-up-${process.pid}`
  const store = gateway()
  await store.make(bucket)
  // Without blocks on the disk, and more than goes through in the moment between the first small file and the
  // kill.
  const folder = user.files('many', { 'big.bin': '', ...small(200) })
  truncateSync(join(folder, 'big.bin'), 1 << 30)

  await step('killed', async () => {
    const app = await start()
    await app.moveAside()
    await deeds.addGatewayAccount(app.page, 'Gateway')
    await deeds.openBucket(app.page, bucket)
    const heading = await app.page.find('heading', 'This bucket is empty')
    await deeds.beginTransfer(app.page, async () => dragFilesTo(await app.middle(heading), [folder]))
    await until('something to have arrived', async () => (await store.keys(bucket)).length > 0)
    await app.kill()
    const arrived = await store.read(bucket)
    assert.ok(!Object.keys(arrived).some((key) => key.endsWith('big.bin')), 'it was killed in the middle')
    for (const [key, content] of Object.entries(arrived)) assert.equal(content.toString(), key.slice(-12), `${key} is whole`)
  })

  await step('and taken up', async () => {
    const app = await start()
    assert.match(await deeds.transferEnds(app.page, { seconds: 90 }), /^Done: 201 files sent/)
    await app.shot('taken-up')
    assert.equal((await store.keys(bucket)).length, 201)
    assert.equal(await store.size(bucket, 'many/big.bin'), 1 << 30)
    assert.deepEqual(await store.unfinished(bucket), [])
  })
})

windowTest('killed in the middle of a download: no half file has a final name, and it goes on', async ({ user, start, step }) => {
  const bucket = `killed-down-${process.pid}`
  const size = 24 << 20
  await gateway().make(bucket)
  await gateway().fill(bucket, 24, size)
  user.settings(`downloadFolder = ${JSON.stringify(user.downloads)}\n`)

  await step('killed', async () => {
    const app = await start()
    await deeds.addGatewayAccount(app.page, 'Gateway')
    await deeds.openBucket(app.page, bucket)
    await until('the rows', async () => (await deeds.rows(app.page)).length > 10)
    await (await deeds.row(app.page, '0000.bin')).click()
    await app.page.keys('Control+a')
    await deeds.beginTransfer(app.page, () => app.page.press('Download'))
    await until('a first file', () => whole(user.downloads).length > 0, { every: 5 })
    await app.kill()
    assert.ok(whole(user.downloads).length < 24, 'it was killed in the middle')
    for (const name of whole(user.downloads)) assert.equal(statSync(join(user.downloads, name)).size, size, `${name} is whole`)
  })

  await step('and taken up', async () => {
    const app = await start()
    assert.match(await deeds.transferEnds(app.page, { seconds: 90 }), /^Done: 24 files fetched/)
    assert.equal(whole(user.downloads).length, 24)
    assert.equal(readdirSync(user.downloads).length, 24, 'nothing half-done is left')
    for (const name of whole(user.downloads)) assert.equal(statSync(join(user.downloads, name)).size, size, `${name} is whole`)
  })
})

function small(count) {
  const names = Array.from({ length: count }, (_, i) => `${String(i).padStart(8, '0')}.txt`)
  return Object.fromEntries(names.map((name) => [name, name]))
}

function whole(folder) {
  return readdirSync(folder).filter((name) => /^\d{4}\.bin$/.test(name))
}
