/** The token portal of a Swarm tenancy: user name and password, keys with a name and a day on which they end. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { Double } from './harness/doubles.mjs'
import { listenIn } from './harness/ipc.mjs'

const PASSWORD = 'jdoe-password'

windowTest(
  'a key of Swarm’s token portal is made, used and deleted, and a full tenancy is emptied with it',
  async ({ t, user, start, step }) => {
    const portal = await Double.start(t, 'swarm')
    const bucket = `swarm-${process.pid}`
    const app = await start()
    const { page } = app
    await app.moveAside()
    const wire = await listenIn(page)
    const typed = [PASSWORD]
    let key

    await step('sign in with name and password', async () => {
      await deeds.signInToSwarm(page, portal.about.url, { user: 'jdoe', password: 'not the password' })
      await page.find('alert')
      await app.shot('swarm-refused')
      await page.fill('Password', PASSWORD)
      await page.press('Sign in')
      await page.find('textbox', /^Name of the key/)
      await app.shot('swarm-make-a-key')
    })

    await step('a day that is over is refused, a later one taken', async () => {
      await page.fill('Name of the key', 'my laptop')
      await deeds.chooseDay(page, '2020-01-31')
      await page.press('Make a key')
      await page.says('choose a day after today')
      await page.fill('Day it expires', deeds.dayIn(90))
      await page.fill('Name', 'Old portal')
      await page.press('Make a key')
      key = await deeds.takeNewKey({ app, user, wire, typed })
      const [made] = (await portal.do('keys')).keys
      assert.deepEqual([made.access_key_id, made.description, made.expires.slice(0, 10)], [key.id, 'my laptop', deeds.dayIn(90)])
    })

    await step('a file is uploaded with it', async () => {
      const folder = user.files('to upload', { 'levels.csv': 'day,level\n' })
      assert.match(await deeds.uploadInto(app, bucket, join(folder, 'levels.csv')), /^Done: 1 file sent/)
      assert.equal(String((await gateway().read(bucket))['levels.csv']), 'day,level\n')
    })

    await step('a full tenancy refuses more in words, and lets one delete', async () => {
      await portal.do('full', { status: 507 })
      const folder = user.files('more', { 'more.csv': '1\n' })
      const row = await deeds.row(page, 'levels.csv')
      assert.match(await deeds.dropFiles(app, row, [join(folder, 'more.csv')]), /^Failed|failed/)
      await page.says(/full|no room|quota/i)
      await app.shot('swarm-full')
      await (await deeds.row(page, 'levels.csv')).click()
      assert.match(await deeds.transfer(page, () => page.keys('Delete')), /^Done/)
      assert.deepEqual(Object.keys(await gateway().read(bucket)), [])
    })

    await step('the Keys page lists it with its day, and deletes it', async () => {
      await deeds.openKeys(page, 'Old portal')
      await page.find('row', new RegExp(`${key.id}.*my laptop`))
      await app.shot('swarm-keys')
      await page.press(`Delete key ${key.id}…`)
      await page.press('Delete key')
      await page.says('This key is deleted at its portal.')
      assert.deepEqual(await portal.keys(), [])
      await deeds.leftNothing({ app, user, wire, typed })
    })
  },
  { seconds: 180 },
)
