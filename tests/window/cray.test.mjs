/** An HPE Cray system: keys are lent for an hour, and nobody needs to think of that. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { bed, Store } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { backing, Double } from './harness/doubles.mjs'
import { listenIn } from './harness/ipc.mjs'
import { LendingGateway } from './harness/lending.mjs'
import { Sluice } from './harness/sluice.mjs'
import { until } from './harness/until.mjs'

/** Of an hour, the test has these; real ones would be waited for too long. */
const SECONDS = 6
/** Several parts, and not the same in any two places. */
const NOISE = Buffer.from(Uint32Array.from({ length: 12 << 20 }, (_, i) => Math.imul(i, 2_654_435_761)).buffer)

windowTest(
  'lent keys are renewed in the middle of a transfer, and when the sign-in ends, transfers ask and go on',
  async ({ t, user, start, step }) => {
    const { alice, issuer } = bed.oidc
    const store = await LendingGateway.start(t)
    const sluice = await Sluice.start(t, store.endpoint)
    const portal = await Double.start(t, 'cray', { rgw: backing(store), store_has_sts: true, bearers: { issuer } })
    await portal.do('endpoint', { url: sluice.address })
    await portal.do('seems-to-last', { seconds: SECONDS })
    const lent = async () => (await portal.do('lent')).lent
    const direct = new Store({ endpoint: store.endpoint, accessKey: store.user.access_key, secretKey: store.user.secret_key })
    const bucket = `lent-${process.pid}`
    const folder = user.files('to upload', { 'first.bin': NOISE, 'second.bin': NOISE })
    const app = await start()
    const { page } = app
    await app.moveAside()
    const wire = await listenIn(page)
    const typed = [alice.password]

    await step('sign in, and have a key lent', async () => {
      await deeds.choosePlace(page, /^HPE Cray /)
      await page.fill('Address of the system', portal.about.url)
      await page.fill('User name', alice.name)
      await page.fill('Password', alice.password)
      await deeds.openMoreSettings(page)
      await page.fill('Sign-in service (optional)', issuer)
      await page.fill('Client id (optional)', 'shasta')
      await app.shot('cray-sign-in')
      await page.press('Sign in')
      // The token service says where its keys are for.
      await page.find('textbox', /^Address of the store/)
      await page.fill('Name', 'The machine')
      await app.shot('cray-use-this-store')
      await page.press('Use this store')
      await page.says('It is ready.')
      await app.shot('cray-ready')
      await page.press('Done')
      await page.gone('dialog')
    })

    /** When the last key is over. */
    const end = async () => Math.max(...(await lent()).map(({ expires }) => Date.parse(expires)))
    /** The parts of this file wait until the key that began it is over. */
    const holdParts = async (file) => {
      const over = (await end()) + 500
      sluice.hold((line) => line.includes(`${file}?`) && line.includes('partNumber=') && Date.now() < over)
    }

    await step('a transfer outlives its key', async () => {
      await deeds.createBucket(page, bucket)
      await page.find('heading', 'This bucket is empty')
      await holdParts('first.bin')
      const heading = await page.find('heading', 'This bucket is empty')
      assert.match(await deeds.dropFiles(app, heading, [join(folder, 'first.bin')]), /^Done: 1 file sent/)
      const signers = sluice.signers('first.bin')
      assert.ok(signers.length > 1, `signed by ${signers}`)
      const ids = (await lent()).map(({ access_key_id: id }) => id)
      assert.ok(signers.every((id) => ids.includes(id)), 'by keys that were lent')
      assert.ok((await direct.read(bucket))['first.bin'].equals(NOISE))
    })

    await step('the secret is in the keychain, with what the next key is lent for, and nowhere else', async () => {
      await deeds.lentKeyIsSafe({ app, user, wire, typed })
      await deeds.openKeys(page, 'The machine')
      await page.says('Lent until')
      await app.shot('cray-keys')
    })

    await step('the sign-in ends at the provider: the transfer waits and asks', async () => {
      await deeds.openBucket(page, bucket)
      const row = await deeds.row(page, 'first.bin')
      // With a key that is young enough to begin with.
      await portal.do('seems-to-last', { seconds: 2 * SECONDS })
      await until('a new key', async () => {
        if ((await end()) > Date.now() + 1.5 * SECONDS * 1000) return true
        await page.press('Refresh')
        return false
      })
      await revoke(JSON.parse(await deeds.keptSecret(user, undefined, 'renewal')).refresh_token)
      await holdParts('second.bin')
      await deeds.beginTransfer(page, () => deeds.dropFilesOn(app, row, [join(folder, 'second.bin')]))
      await page.find('treeitem', /^The machine sign in/)
      await app.shot('cray-waits')
    })

    await step('signed in again, it goes on to its end', async () => {
      await portal.do('seems-to-last', { seconds: 3600 })
      sluice.hold(() => false)
      const [offer] = await page.findAll('button', 'Sign in…')
      await offer.click()
      await page.fill('Password', alice.password)
      await app.shot('cray-sign-in-again')
      await page.press('Sign in')
      await page.gone('dialog')
      assert.match(await deeds.transferEnds(page), /^Done: 1 file sent/)
      assert.ok((await direct.read(bucket))['second.bin'].equals(NOISE))
      await deeds.leftNothing({ app, user, wire, typed })
    })
  },
  { seconds: 180 },
)

/** As somebody ends all of a person's sessions at the provider. */
async function revoke(token) {
  const form = new URLSearchParams({ token, client_id: 'shasta' })
  const revoked = await fetch(`${bed.oidc.issuer}/token/revocation`, { method: 'POST', body: form })
  assert.ok(token && revoked.status === 200, 'the provider forgets the token')
}
