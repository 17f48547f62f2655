/** Objects dragged onto the desktop, as quickly as people do it. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { windowTest } from './harness/app.mjs'
import { bed, gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { dragOutFrom, flingOut, mouse } from './harness/screen.mjs'
import { Sluice } from './harness/sluice.mjs'
import { until } from './harness/until.mjs'

const FILES = { 'log.txt': 'wind 4 from the west\n', 'slow.txt': 'no wind at all\n', 'tides.csv': 'hour,level\n' }

// Promise: Up to 20 objects of 8 MiB together are fetched as soon as they are dragged, wherever they then go, and
// what was fetched for nothing is removed.
windowTest('a small file dragged out in one quick movement is there', async ({ t, user, start, step }) => {
  const bucket = `flung-${process.pid}`
  await gateway().make(bucket, FILES)
  const sluice = await Sluice.start(t, bed.rgw.endpoint)
  const app = await start()
  const { page } = app
  await app.moveAside()
  await deeds.addGatewayAccount(page, 'Gateway', { endpoint: sluice.address })
  await deeds.openBucket(page, bucket)
  const staged = () => {
    const folder = join(user.wherry, 'staging')
    const all = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []
    return all.filter((one) => one.isFile()).length
  }
  const grip = async (name) => app.middle(await deeds.row(page, name), { x: 0.2 })
  const read = (uris) => uris.map((uri) => readFileSync(fileURLToPath(uri), 'utf8'))

  await step('let go before the store has sent it, it arrives nevertheless', async () => {
    let flung = false
    sluice.hold((line) => line.startsWith(`GET /${bucket}/log.txt`) && !flung)
    const over = () => (flung = true)
    let uris = null
    for (let tries = 3; tries > 0; tries--) {
      flung = false
      uris = await flingOut(await grip('log.txt'), { over })
      if (uris) break
      // The hand was quicker than this busy computer: what it wanted can be dragged now. It would rather do that again.
      await page.says('1 item is here now: drag from here')
      await page.press('Forget what was fetched')
    }
    assert.deepEqual(read(uris ?? []), [FILES['log.txt']])
  })

  await step('where the store takes too long, it stays to be dragged, and the window says so', async () => {
    let came = false
    sluice.hold((line) => line.startsWith(`GET /${bucket}/slow.txt`) && !came)
    // With nothing to give yet, whether it was heard of or not comes to the same.
    assert.deepEqual((await flingOut(await grip('slow.txt'))) ?? [], [])
    await page.says(/Fetching 1 item to drag/)
    await app.shot('drag-out-late')
    came = true
    await page.says('1 item is here now: drag from here')
    await app.shot('drag-out-ready')
    assert.equal(staged(), 2, 'log.txt, which another program has, and slow.txt')
    const chip = await page.find('group', 'Fetched to be dragged')
    assert.deepEqual(read(await dragOutFrom(await app.middle(chip, { x: 0.3 }))), [FILES['slow.txt']])
    await page.press('Forget what was fetched')
  })

  await step('dragged about in the window only, it leaves nothing', async () => {
    const [files, jobs] = [staged(), (await deeds.transfers(page)).length]
    const at = await grip('tides.csv')
    await mouse.move(at)
    await mouse.down()
    await mouse.glide(at, { x: at.x + 60, y: at.y + 4 }, 6)
    await until('it to be fetched in case', () => staged() > files)
    await mouse.up()
    await until('it to be gone', async () => staged() === files && (await deeds.transfers(page)).length === jobs)
    assert.ok(!(await page.has('dialog')))
  })
})
