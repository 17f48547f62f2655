/** CloudFerro and EUMETSAT: one key per region, all regions of an account in one table. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { bed, keystoneKeys, Store } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { listenIn } from './harness/ipc.mjs'

windowTest(
  'each region gets a key of its own, and a reset ends the old one',
  async ({ user, start, step }) => {
    const { alice, url } = bed.keystone
    const bucket = `regions-${process.pid}`
    const app = await start()
    const { page } = app
    await app.moveAside()
    const wire = await listenIn(page)
    const typed = [alice.password]
    const others = await keystoneKeys(alice, 'demo')
    const made = async () => (await keystoneKeys(alice, 'demo')).filter((id) => !others.includes(id))
    let first, second

    await step('the key of the first region', async () => {
      await deeds.choosePlace(page, /^CloudFerro /)
      await deeds.signInToKeystone(page, { url, user: alice.name, password: alice.password })
      await (await page.find('combobox', 'Project')).choose(/^demo/)
      const region = await page.find('combobox', 'Region')
      assert.equal(await region.chosen(), 'RegionOne')
      await page.fill('Name', 'Glaciers RegionOne')
      await app.shot('regions-make-a-key')
      await page.press('Make a key')
      first = await deeds.takeNewKey({ app, user, wire, typed })
    })

    await step('all regions stand in one table', async () => {
      await deeds.openKeys(page, 'Glaciers RegionOne')
      await page.find('row', new RegExp(`^RegionOne .*${first.id}`))
      await page.find('row', /^RegionTwo .*not configured/)
      // The place's own regions are at another Keystone.
      await page.find('row', /^WAW4-1 .*a sign-in of its own/)
      assert.deepEqual(await page.findAll('button', /^Delete key/), [], 'no key is deleted here')
      await app.shot('regions')
    })

    await step('the second region’s key is made from there', async () => {
      await page.press('Create a key for RegionTwo…')
      await page.find('dialog', 'Make a key for RegionTwo?')
      await app.shot('regions-create')
      await page.press('Make a key')
      second = await deeds.takeNewKey({ app, user, wire, typed, account: (user) => deeds.accountIds(user).at(-1) })
      assert.deepEqual((await made()).sort(), [first.id, second.id].sort())
      await page.find('row', new RegExp(`^RegionTwo .*${second.id}`))
    })

    const file = join(user.files('to upload', { 'ice.csv': 'day,ice\n' }), 'ice.csv')
    const readBy = ({ id, secret }) => new Store({ endpoint: bed.rgw.endpoint, accessKey: id, secretKey: secret }).read(bucket)
    await step('a file is uploaded with it', async () => {
      await (await page.find('treeitem', /^Glaciers RegionTwo/)).click()
      assert.match(await deeds.uploadInto(app, bucket, file), /^Done: 1 file sent/)
      assert.equal(String((await readBy(second))['ice.csv']), 'day,ice\n')
    })

    await step('it is reset, after a warning', async () => {
      await deeds.openKeys(page, 'Glaciers RegionTwo')
      await page.press('Reset the key of RegionTwo…')
      await page.says('The old pair stops working at once.')
      await app.shot('regions-reset')
      await page.press('Reset key')
      await page.find('dialog', 'The key is reset')
      await page.press('Show the new secret…')
      const third = await deeds.readNewKey(page)
      await app.shot('regions-reset-done')
      await page.press('Done')
      await page.gone('dialog')
      await deeds.keyIsSafe({ app, user, wire, typed, account: deeds.accountIds(user).at(-1), key: third })
      assert.deepEqual((await made()).sort(), [first.id, third.id].sort())
      assert.equal(String((await readBy(third))['ice.csv']), 'day,ice\n')
      // Both accounts see the same buckets here; the second is below.
      const buckets = await page.findAll('treeitem', bucket)
      await buckets.at(-1).click()
      await deeds.shows(page, ['ice.csv'])
    })
  },
  { seconds: 180 },
)
