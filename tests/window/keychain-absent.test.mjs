/** A computer without a usable keychain: it is said, there are two ways on, and neither is plain text. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { bed, TESTBED } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { filesWith } from './harness/traces.mjs'
import { until } from './harness/until.mjs'

const { endpoint, user: key } = bed.rgw
const SECRET = key.secret_key
const absent = { through: [TESTBED, 'keychain', '--absent', '--'] }
const locked = { through: [TESTBED, 'keychain', '--locked', '--'] }

async function tryToSave(page) {
  await deeds.openKeyForm(page)
  await deeds.fillKeyForm(page, { name: 'River store', endpoint, id: key.access_key, secret: SECRET })
  await page.press('Save')
}

// Promise: Where there is no usable keychain, nothing is kept until the user has chosen one of two
// other ways.
windowTest('no keychain: an encrypted file keeps the secret over a restart', async ({ user, start, step }) => {
  let app
  await step('it is said, and a way on is offered', async () => {
    app = await start(absent)
    const { page } = app
    await tryToSave(page)
    await page.says('No program that keeps secrets is running')
    await app.shot('keychain-absent')
    assert.deepEqual(filesWith(SECRET, [user.root]), [], 'nothing was written meanwhile')
    await page.press('Choose where to keep secrets…')
    await (await page.find('radio', /^An encrypted file/)).click()
    await app.shot('choose-vault')
    await page.fill('Passphrase', 'seven wherries on the Yare')
    await page.fill('The same again', 'seven wherries on the Yard')
    await page.press('Use this')
    await page.says(/not the same|differ/i)
    await page.fill('The same again', 'seven wherries on the Yare')
    await page.press('Use this')
    await page.gone('dialog', /secrets/)
  })
  await step('the account is saved, its secret only encrypted', async () => {
    const { page } = app
    if (!(await page.has('treeitem', 'River store'))) {
      if (!(await page.has('dialog'))) await tryToSave(page)
      else await page.press('Save')
    }
    await page.find('treeitem', 'River store')
    assert.ok(readFileSync(join(user.wherry, 'vault.age')).length > 100)
    assert.deepEqual(filesWith(SECRET, [user.root]), [])
    assert.deepEqual(filesWith('seven wherries on the Yare', [user.root]), [])
    await app.close()
  })
  await step('the next start asks for the passphrase, and a wrong one is told', async () => {
    const { page } = await start(absent)
    await page.find('treeitem', 'River store')
    await page.press('Unlock…')
    await page.fill('Passphrase', 'wrong')
    await page.press('Unlock')
    await page.says('That is not the passphrase')
    await page.fill('Passphrase', 'seven wherries on the Yare')
    await page.press('Unlock')
    await page.gone('dialog')
    await page.find('treeitem', 'shared-with-limited')
  })
})

windowTest('no keychain: “ask me each time” keeps the secret in memory only', async ({ user, start, step }) => {
  await step('the secret is used', async () => {
    const app = await start(absent)
    const { page } = app
    await tryToSave(page)
    await page.press('Choose where to keep secrets…')
    await (await page.find('radio', /^Nowhere: ask me each time/)).click()
    await page.press('Use this')
    await page.gone('dialog', /secrets/)
    if (!(await page.has('dialog'))) await tryToSave(page)
    else await page.press('Save')
    await page.find('treeitem', 'shared-with-limited')
    assert.deepEqual(filesWith(SECRET, [user.root]), [])
    await app.close()
  })
  await step('the next start asks for it', async () => {
    const { page } = await start(absent)
    await page.find('treeitem', /^River store/)
    // The list of accounts comes anew when the secret turns out to be missing; a click meanwhile is lost.
    await until('the question for the secret', async () => {
      if (!(await page.has('dialog'))) await page.press('Type the secret…')
      return page.has('dialog')
    })
    await page.fill('Secret', SECRET)
    await page.press('Use it')
    await page.find('treeitem', 'shared-with-limited')
    assert.deepEqual(filesWith(SECRET, [user.root]), [])
  })
})

windowTest('a locked keychain is said to be locked', async ({ user, start }) => {
  const app = await start(locked)
  const { page } = app
  await tryToSave(page)
  await page.says(/locked/i)
  await app.shot('keychain-locked')
  assert.deepEqual(filesWith(SECRET, [user.root]), [])
  await page.find('button', 'Choose where to keep secrets…')
})
