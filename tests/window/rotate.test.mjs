/** A key that runs out: seen in the list, told on the desktop, and replaced with one click. */
import assert from 'node:assert/strict'
import { windowTest } from './harness/app.mjs'
import * as deeds from './harness/deeds.mjs'
import { Double } from './harness/doubles.mjs'
import { listenIn } from './harness/ipc.mjs'
import { Notifications } from './harness/notifications.mjs'
import { assertNoTrace } from './harness/traces.mjs'
import { until } from './harness/until.mjs'

const PASSWORD = 'jdoe-password'
/** A day begins at midnight by Greenwich: between four and five days are left of five. */
const SOON = /expires in 4 days/

windowTest(
  'a key that ends in five days is told of once, rotated from there, and then no news any more',
  async ({ t, user, start, step }) => {
    const desktop = await Notifications.start(t)
    const portal = await Double.start(t, 'swarm')
    let app = await start()
    let wire = await listenIn(app.page)
    const typed = [PASSWORD]
    let key

    await step('an account with such a key has a badge', async () => {
      const { page } = app
      await deeds.signInToSwarm(page, portal.about.url, { user: 'jdoe', password: PASSWORD })
      await page.fill('Name of the key', 'my laptop')
      await deeds.chooseDay(page, deeds.dayIn(5))
      await page.fill('Name', 'Tenancy')
      await page.press('Make a key')
      key = await deeds.takeNewKey({ app, user, wire, typed })
      await page.find('treeitem', /^Tenancy 4 d/)
      await page.says(new RegExp(`Key ${SOON.source}`))
      await app.shot('expiring')
      await app.close()
    })

    await step('at the next start the desktop tells of it', async () => {
      app = await start()
      await app.page.find('treeitem', /^Tenancy/)
      const told = await until('a notification', () => desktop.shown[0])
      assert.match(told.title, new RegExp(`“Tenancy” ${SOON.source}`))
      assert.ok(told.actions.includes('rotate'), `its buttons are ${told.actions}`)
      desktop.press(told, 'rotate')
      await app.page.find('heading', 'Keys of Tenancy')
      await app.shot('expiring-keys')
    })

    await step('it is rotated: a new key is made, proved and put away before the old one goes', async () => {
      const { page } = app
      wire = await listenIn(page)
      const asked = (await portal.do('asked')).asked.length
      await page.press('Rotate…')
      await page.fill('Password', PASSWORD)
      await app.shot('rotate-sign-in')
      await page.press('Sign in')
      await page.find('dialog', 'Rotate this key?')
      await (await page.find('combobox', 'Expires')).choose(/^In one year/)
      await app.shot('rotate')
      await page.press('Rotate key')
      await page.find('dialog', 'The key is rotated')
      await app.shot('rotated')
      await page.press('Done')
      await page.gone('dialog')

      const [left, ...more] = (await portal.do('keys')).keys
      assert.deepEqual(more, [])
      assert.notEqual(left.access_key_id, key.id)
      assert.equal(left.description, 'my laptop', 'the new key has the old one’s name')
      const since = (await portal.do('asked')).asked.slice(asked)
      const made = since.findIndex((line) => line.startsWith('POST /.TOKEN/'))
      const deleted = since.findIndex((line) => line === `DELETE /.TOKEN/${key.id}`)
      assert.ok(made >= 0 && made < deleted, since.join('\n'))
      assert.ok(since.slice(made, deleted).some((line) => line.startsWith('GET /?')), `the new key was not tried: ${since.join('\n')}`)
      // Nobody asked to see the secret, so it never left for the page.
      const secret = await deeds.keptSecret(user)
      assert.notEqual(secret, key.secret)
      assert.deepEqual(await wire.count(secret), { questions: 0, answers: 0 })
      assertNoTrace(user, app, secret)
      await deeds.leftNothing({ app, user, wire, typed })
      await page.find('treeitem', 'Tenancy')
      await app.close()
    })

    await step('the next start has nothing to tell', async () => {
      app = await start()
      await deeds.openKeys(app.page, 'Tenancy')
      assert.equal(desktop.shown.length, 1)
    })
  },
  { seconds: 120 },
)
