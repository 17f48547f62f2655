/**
 * The story Wherry is for, from the institution's sign-in to files in a bucket and back, and the end of a
 * key: one window, one Keystone, one gateway, one keychain, all of them real.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { windowTest } from './harness/app.mjs'
import { bed, keystoneKeys, restartGateway, secretTool, Store } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { listenIn } from './harness/ipc.mjs'
import { answerFileDialog, dragFilesTo, dragOutFrom } from './harness/screen.mjs'
import { until } from './harness/until.mjs'
import { assertNoTrace } from './harness/traces.mjs'

const FIELD_TRIP = {
  'about the trip.txt': 'Level readings of the Müggelsee, spring 2024.\n',
  'Messungen/Größe ü ß.csv': 'day,level\n1,2.5\n2,2.7\n',
  'Messungen/🚣 river/boat.txt': 'a wherry\n',
  'Messungen/🚣 river/empty.bin': '',
  // Larger than one buffer, and not the same in any two places.
  'raw/noise.bin': Buffer.from(Uint32Array.from({ length: 1_500_000 }, (_, i) => Math.imul(i, 2_654_435_761)).buffer),
}

windowTest(
  'a key is made, used, deleted and replaced, and its secret is in the keychain only',
  async ({ user, start, step }) => {
    const { alice, url } = bed.keystone
    const bucket = `field-trip-${process.pid}`
    const folder = user.files('field trip', FIELD_TRIP)
    let app = await start()
    const { page } = app
    await app.moveAside()
    const wire = await listenIn(page)
    let first
    const others = await keystoneKeys(alice, 'demo')
    const madeHere = async () => (await keystoneKeys(alice, 'demo')).filter((id) => !others.includes(id))

    await step('sign in to Keystone and choose a project', async () => {
      await page.find('heading', 'Welcome to Wherry')
      await deeds.chooseOpenStack(page)
      await deeds.signInToKeystone(page, { url, user: alice.name, password: alice.password })
      const project = await page.find('combobox', 'Project')
      await project.choose(/^demo/)
      const region = await page.find('combobox', 'Region')
      assert.equal(await region.chosen(), 'RegionOne')
      const address = await page.find('textbox', 'Address of the store')
      assert.equal(await address.value(), `${bed.rgw.endpoint}/`, 'the catalog names the store')
      await page.fill('Name', 'Field work')
      await app.shot('make-a-key')
    })

    await step('the key is made and its secret shown once, is in the keychain and nowhere else', async () => {
      await page.press('Make a key')
      await page.find('heading', 'Your new key')
      await deeds.readNewKey(page)
      await page.says(/keychain/)
      await app.shot('secret-shown-once')
      first = await deeds.takeNewKey({ app, user, wire, typed: [alice.password] })
      assert.deepEqual(await madeHere(), [first.id], 'Keystone has this key and no other')
    })

    await step('a bucket is made', async () => {
      await deeds.createBucket(page, bucket)
      await page.find('heading', 'This bucket is empty')
    })

    const store = () => new Store({ endpoint: bed.rgw.endpoint, accessKey: first.id, secretKey: first.secret })
    await step('a folder is dragged in with the mouse', async () => {
      const heading = await page.find('heading', 'This bucket is empty')
      const over = async () => {
        await page.says(`Upload 1 item to ${bucket}/`)
        await app.shot('drag-in')
      }
      const drop = async () => dragFilesTo(await app.middle(heading), [folder], { over })
      assert.match(await deeds.transfer(page, drop), /^Done: 5 files sent/)
      await deeds.shows(page, ['field trip/'])
      await app.shot('uploaded')
      const expected = Object.entries(FIELD_TRIP).map(([name, content]) => [`field trip/${name}`, Buffer.from(content)])
      assertSame(await store().read(bucket), Object.fromEntries(expected))
    })

    await step('it is downloaded through the system’s folder dialog', async () => {
      await (await deeds.row(page, 'field trip/')).click()
      const said = await deeds.transfer(page, async () => {
        await page.press('Download')
        await answerFileDialog('Download to', user.downloads)
      })
      assert.match(said, /^Done: 5 files fetched/)
      for (const [name, content] of Object.entries(FIELD_TRIP))
        assert.ok(readFileSync(join(user.downloads, 'field trip', name)).equals(Buffer.from(content)), name)
    })

    await step('a file is dragged out onto the desktop', async () => {
      await deeds.goTo(page, `${bucket}/field trip/`)
      await deeds.shows(page, ['Messungen/', 'raw/', 'about the trip.txt'])
      const row = await deeds.row(page, 'about the trip.txt')
      // On a busy machine the fetching can outlast the gesture; then one drags once more, as a person would.
      const drag = async () => {
        const before = (await deeds.transfers(page)).length
        // Who rests a moment where nothing takes it means the desktop: it is fetched then.
        const ready = async () => {
          await until('the fetching to begin', async () => (await deeds.transfers(page)).length > before)
          await deeds.transferEnds(page)
        }
        return dragOutFrom(await app.middle(row, { x: 0.2 }), { ready, grip: { x: 40, y: 90 } })
      }
      const uris = await drag().catch(drag)
      assert.equal(uris.length, 1)
      assert.equal(readFileSync(fileURLToPath(uris[0]), 'utf8'), FIELD_TRIP['about the trip.txt'])
      await deeds.shows(page, ['Messungen/', 'raw/', 'about the trip.txt'])
    })

    await step('the key is deleted at its portal, and the window says what that means', async () => {
      await deeds.openKeys(page, 'Field work')
      await app.shot('keys')
      await page.press(`Delete key ${first.id}…`)
      await page.press('Delete key')
      await page.says(/gone from 127\.0\.0\.1/)
      await page.says(/may honour it for some minutes/)
      await page.says('This key is deleted at its portal.')
      await app.shot('key-deleted')
      assert.deepEqual(await madeHere(), [])
    })

    await step('once the store refuses it, the account says so and offers a new key', async () => {
      await restartGateway()
      await deeds.openBucket(page, bucket)
      const [offer] = await until('the offer of a new key', async () => {
        const found = await page.findAll('button', 'Make a new key…')
        return found.length > 0 && found
      })
      await page.says(/This account's key was deleted/)
      await app.shot('key-refused')
      await offer.click()
    })

    await step('with the new key it goes on', async () => {
      await page.press('Make a new key')
      await page.find('heading', 'Your new key')
      const second = await deeds.readNewKey(page)
      assert.notEqual(second.id, first.id)
      await page.press('Done')
      await page.gone('heading', 'Your new key')
      await deeds.openBucket(page, bucket)
      await deeds.shows(page, ['field trip/'])
      assert.equal(await secretTool(deeds.accountId(user)), null, 'the secret of the first key is gone')
      await deeds.keyIsSafe({ app, user, wire, typed: [alice.password], key: second })
      assert.deepEqual(await madeHere(), [second.id])
      first = second
    })

    await step('nothing of it is left on the disk after quitting', async () => {
      const pids = app.pids
      await app.close()
      assertNoTrace(user, null, first.secret)
      assertNoTrace(user, null, alice.password, { everywhere: false })
      assert.ok(pids.length > 1)
    })
  },
  { seconds: 240 },
)

function assertSame(seen, expected) {
  assert.deepEqual(Object.keys(seen).sort(), Object.keys(expected).sort())
  for (const [key, content] of Object.entries(expected)) assert.ok(seen[key].equals(content), `${key} differs`)
}
