/** CloudFerro's S3 Keys Manager, as Copernicus users have it: the store takes a while to know a new key. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { windowTest } from './harness/app.mjs'
import { bed, gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { Double } from './harness/doubles.mjs'
import { listenIn } from './harness/ipc.mjs'

/** First of all, the desktop's way to open a page is looked for here. */
const DESKTOP = fileURLToPath(new URL('harness/desktop', import.meta.url))

/** A gateway notices such a key within seconds or, after a restart, within a quarter of a minute. */
const WHILE = { seconds: 60 }

windowTest(
  'a key of the S3 Keys Manager is made, waited for, used, reset, rotated and deleted',
  async ({ t, user, start, step }) => {
    const { alice, issuer } = bed.oidc
    const portal = await Double.start(t, 's3-keys-manager', { bearers: { issuer } })
    await portal.do('propagate-after', { milliseconds: 4000 })
    const bucket = `eodata-${process.pid}`
    // The system's browser is somebody who signs in.
    const browser = { env: { PATH: `${DESKTOP}:${process.env.PATH}` } }
    let app = await start(browser)
    await app.moveAside()
    let wire = await listenIn(app.page)
    const typed = [alice.password]
    let key

    await step('a wrong password is refused; signing in in the browser comes back by itself', async () => {
      const { page } = app
      await deeds.choosePlace(page, /^Copernicus /)
      await page.fill('User name', alice.name)
      await page.fill('Password', 'not the password')
      await deeds.openMoreSettings(page)
      await page.fill('Sign-in service (optional)', issuer)
      await deeds.unfold(page, 'Connection')
      await page.fill('Address of the S3 Keys Manager', portal.about.url)
      await page.press('Sign in')
      await page.find('alert')
      await app.shot('s3-keys-manager-refused')
      await (await page.find('tab', 'In your browser')).click()
      await page.press('Open the browser…')
      await page.fill('Address of the store', bed.rgw.endpoint)
      await page.fill('Name', 'Sentinel')
      await app.shot('s3-keys-manager-make-a-key')
    })

    await step('a key is made, and the window waits until the store knows it', async () => {
      const { page } = app
      await page.press('Make a key')
      key = await deeds.takeNewKey({ app, user, wire, typed })
      await page.find('heading', 'Nearly there')
      await app.shot('s3-keys-manager-nearly-there')
      await page.gone('dialog', undefined, WHILE)
      assert.deepEqual(await portal.keys(), [key.id])
    })

    await step('a file is uploaded with it', async () => {
      const folder = user.files('to upload', { 'tile.txt': 'Sentinel\n' })
      assert.match(await deeds.uploadInto(app, bucket, join(folder, 'tile.txt')), /^Done: 1 file sent/)
      assert.equal(String((await gateway().read(bucket))['tile.txt']), 'Sentinel\n')
    })

    await step('after a restart the keys are there without signing in again, by what the keychain kept', async () => {
      await app.close()
      app = await start()
      await app.moveAside()
      wire = await listenIn(app.page)
      await deeds.openKeys(app.page, 'Sentinel')
      await app.page.find('row', new RegExp(key.id))
      await app.shot('s3-keys-manager-keys')
    })

    await step('its secret is reset', async () => {
      const { page } = app
      await page.press('Reset secret…')
      await page.says('The old secret stops working at once.')
      await page.press('Reset secret')
      const reset = await deeds.takeNewKey({ app, user, wire })
      assert.equal(reset.id, key.id)
      assert.notEqual(reset.secret, key.secret)
      await page.gone('dialog', undefined, WHILE)
    })

    await step('it is rotated: the old one goes when the store knows the new one', async () => {
      const { before, after } = await deeds.rotate(app.page, WHILE)
      assert.equal(before, key.id)
      assert.deepEqual(await portal.keys(), [after])
      await deeds.openBucket(app.page, bucket)
      await deeds.shows(app.page, ['tile.txt'])
      key = { id: after, secret: await deeds.keptSecret(user) }
    })

    await step('more than the portal allows is refused in words, and the last one deleted', async () => {
      const { page } = app
      await portal.do('most', { most: 1 })
      await deeds.openKeys(page, 'Sentinel')
      await page.press('Make a new key')
      await page.press('Make a key')
      await page.says(/as many keys as|maximum|too many|most/i)
      await app.shot('s3-keys-manager-most')
      await page.press('Cancel')
      await page.press(`Delete key ${key.id}…`)
      await page.press('Delete key')
      await page.says('This key is deleted at its portal.')
      assert.deepEqual(await portal.keys(), [])
      await deeds.leftNothing({ app, user, wire, typed: [...typed, key.secret] })
    })
  },
  { seconds: 240 },
)
