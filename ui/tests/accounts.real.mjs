/**
 * Accounts and keys on the real engine, a real Keystone and a real gateway, in a browser:
 *   tests/testbed/testbed with --rgw --keystone -- npm run test:real --prefix ui
 */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { startReal, test } from './real.mjs'

if (!process.env.WHERRY_TESTBED) throw new Error('these tests want servers: tests/testbed/testbed with --rgw --keystone -- npm run test:real --prefix ui')
const bed = JSON.parse(await readFile(process.env.WHERRY_TESTBED, 'utf8'))
const shots = process.env.WHERRY_SHOTS
let real
let page
let home
let errors

const field = (name) => page.locator('input, select').and(page.getByLabel(name, { exact: true }))
const fill = (name, text) => field(name).fill(text)
const press = (name) => page.getByRole('button', { name, exact: true }).click()
/** The button stands beside an account only under the mouse. */
async function actionsFor(account) {
  await page.locator('.account').filter({ hasText: account }).first().hover()
  await press(`Actions for ${account}`)
}
const heading = (name) => page.getByRole('heading', { name, exact: typeof name === 'string' }).waitFor()
const says = (text) => page.getByText(text).first().waitFor()
const dialogGone = () => page.getByRole('dialog').waitFor({ state: 'detached' })

async function shot(name) {
  if (!shots) return
  await mkdir(shots, { recursive: true })
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme })
    // Colours fade from one scheme to the other.
    await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'))
    await page.screenshot({ path: join(shots, `${name}-${scheme}.png`) })
  }
}

async function fresh() {
  real = await startReal()
  home = real.home
  ;({ page, errors } = await real.page())
  page.setDefaultTimeout(30_000)
  await heading('Welcome to Wherry')
}

async function put_away() {
  await real.close()
  // A browser asks for this by itself; a window does not.
  assert.deepEqual(errors.filter((one) => !/404/.test(one)), [], 'the page had nothing to complain about')
}

async function signIn({ user = bed.keystone.alice.name, password = bed.keystone.alice.password } = {}) {
  await press('Sign in and have a key made')
  await page.getByRole('option', { name: /^OpenStack/ }).click()
  await fill('Address of Keystone', bed.keystone.url)
  await fill('User name', user)
  await fill('Password', password)
  await press('Sign in')
}

async function keystoneKeys() {
  const token = await fetch(`${bed.keystone.url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: 'alice', domain: { name: 'Default' }, password: bed.keystone.alice.password } } },
        scope: { project: { id: bed.keystone.projects.demo } },
      },
    }),
  })
  const answer = await fetch(`${bed.keystone.url}/users/${bed.keystone.alice.id}/credentials/OS-EC2`, {
    headers: { 'x-auth-token': token.headers.get('x-subject-token') },
  })
  return (await answer.json()).credentials.filter((one) => one.tenant_id === bed.keystone.projects.demo).map((one) => one.access)
}

/** Every file under a folder that has these words in it. */
async function filesWith(folder, words) {
  const found = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if ((await readFile(path)).includes(words)) found.push(path)
  }
  return found
}

/** As `test`, with a picture of what was there when it failed. */
const step = (name, run) =>
  test(name, async () => {
    try {
      await run()
    } catch (error) {
      await shot(`failed ${name}`)
      throw error
    }
  })

describe('a key one has', () => {
  before(fresh)
  after(put_away)

  step('what is wrong is said in words, and nothing typed is lost', async () => {
    await press('I have a key')
    await page.getByRole('option', { name: /^Other S3/ }).click()
    await press('Save')
    await says('The access key id is missing.')
    await fill('Name', 'Gateway')
    await fill('Address of the store', bed.rgw.endpoint.replace('http:', 'https:'))
    await fill('Access key id', bed.rgw.user.access_key)
    await fill('Secret', 'not the secret')
    await press('Save')
    await says('Nothing is saved yet')
    await shot('real-wrong-scheme')
    await fill('Address of the store', bed.rgw.endpoint)
    await page.getByText('Nothing is saved yet').waitFor({ state: 'detached' })
    await press('Save')
    await says('Nothing is saved yet')
    await shot('real-wrong-secret')
    assert.equal(await field('Name').inputValue(), 'Gateway')
    assert.equal(await field('Access key id').inputValue(), bed.rgw.user.access_key)
    assert.equal(await field('Secret').inputValue(), 'not the secret')
    await page.getByRole('button', { name: 'Save anyway' }).waitFor()
  })

  step('the right one is tested, saved and opened', async () => {
    await fill('Secret', bed.rgw.user.secret_key)
    await press('Test')
    await says('This works.')
    await shot('real-works')
    await field('Secret').press('Enter')
    await dialogGone()
    await page.getByRole('treeitem', { name: /Gateway/ }).waitFor()
    assert.deepEqual(await filesWith(home, bed.rgw.user.secret_key), [], 'the secret is in no file')
  })

  step('editing tries it with the secret that is kept', async () => {
    await actionsFor('Gateway')
    await page.getByRole('menuitem', { name: /^Edit/ }).click()
    await fill('Name', 'Gateway of the institute')
    await press('Test')
    await says('This works.')
    await press('Save')
    await dialogGone()
    await page.getByRole('treeitem', { name: /Gateway of the institute/ }).waitFor()
  })

  step('its keys page says that it was typed in', async () => {
    await actionsFor('Gateway of the institute')
    await page.getByRole('menuitem', { name: 'Keys' }).click()
    await says('This key was typed in')
    await shot('real-keys-typed')
  })

  step('a key that may not list buckets is saved with a remark', async () => {
    await press('Add account')
    await page.getByRole('option', { name: /^Ceph/ }).click()
    await press('Use a key I have')
    await fill('Name', 'Limited')
    await fill('Address of the store', bed.rgw.endpoint)
    await fill('Access key id', bed.rgw.limited.access_key)
    await fill('Secret', bed.rgw.limited.secret_key)
    await press('Test')
    await says('The key works, with one remark.')
    await shot('real-limited')
    await press('Save')
    await dialogGone()
  })

  step('an account is removed', async () => {
    await actionsFor('Limited')
    await page.getByRole('menuitem', { name: /^Remove/ }).click()
    await says('stays valid where it was made')
    await press('Remove')
    await dialogGone()
    await page.getByRole('treeitem', { name: /Limited/ }).waitFor({ state: 'detached' })
  })
})

describe('a key that is made', () => {
  before(fresh)
  after(put_away)
  let secret
  let first

  step('a wrong password is said, and the rest stays', async () => {
    await signIn({ password: 'wrong' })
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await shot('real-wrong-password')
    assert.equal(await field('User name').inputValue(), 'alice')
    await fill('Password', bed.keystone.alice.password)
    await press('Sign in')
    await heading('Make a key')
  })

  step('projects, regions and the address come from Keystone', async () => {
    await field('Project').selectOption({ label: 'demo' }).catch(() => undefined)
    await field('Region').waitFor()
    assert.equal(await field('Address of the store').inputValue(), `${bed.rgw.endpoint}/`)
    await shot('real-store-step')
    await field('Region').selectOption({ label: 'RegionTwo' })
    assert.equal(await field('Address of the store').inputValue(), `${bed.rgw.localhost_endpoint}/`)
    await field('Region').selectOption({ label: 'RegionOne' })
    await fill('Name', 'Made')
  })

  step('the secret is shown once and kept', async () => {
    await press('Make a key')
    await heading('Your new key')
    const value = page.getByRole('group', { name: 'Secret' })
    await value.waitFor()
    secret = (await value.innerText()).trim()
    first = (await page.getByRole('group', { name: 'Access key id' }).innerText()).trim()
    assert.match(secret, /^[0-9a-f]{32}$/)
    await says('in memory until you quit')
    await says('Keep a copy in a safe place.')
    await press('Copy secret')
    await says(/taken off the clipboard in/)
    assert.deepEqual((await real.seen()).at(-1), { copied: secret })
    await shot('real-reveal')
    await page.keyboard.press('Escape')
    await heading('Your new key')
    await press('Done')
    await dialogGone()
    assert.ok(!(await page.content()).includes(secret), 'the page has forgotten it')
    assert.deepEqual(await filesWith(home, secret), [], 'no file has it')
    assert.deepEqual(await keystoneKeys(), [first])
    await page.getByRole('treeitem', { name: /Made/ }).waitFor()
    await heading('Made')
  })

  step('its keys are seen without signing in again', async () => {
    await actionsFor('Made')
    await page.getByRole('menuitem', { name: 'Keys' }).click()
    await heading('At the portal')
    await page.locator('td code').filter({ hasText: first }).waitFor()
    await shot('real-keys')
  })

  step('a new key takes over, and the old one is deleted', async () => {
    await press('Make a new key')
    await heading('Your new key')
    await page.getByRole('group', { name: 'Secret' }).waitFor()
    await press('Done')
    await dialogGone()
    assert.equal((await keystoneKeys()).length, 2)
    await page.getByRole('row').nth(2).waitFor()
    await press(`Delete key ${first}…`)
    await says('This cannot be undone')
    await shot('real-delete')
    await press('Delete key')
    await dialogGone()
    await says(first)
    await page.locator('td code').filter({ hasText: first }).waitFor({ state: 'detached' })
    await shot('real-deleted')
    assert.equal((await keystoneKeys()).length, 1)
    assert.ok(!(await keystoneKeys()).includes(first))
  })

  step('deleting the key in use is told as it is, and a new one mends it', async () => {
    const [own] = await keystoneKeys()
    await press(`Delete key ${own}…`)
    await says('This account uses it.')
    await press('Delete key')
    await dialogGone()
    await page.getByRole('alert').filter({ hasText: 'deleted at its portal' }).waitFor()
    await shot('real-dead')
    await press('Make a new key')
    await heading('Your new key')
    await page.getByRole('group', { name: 'Secret' }).waitFor()
    await press('Done')
    await dialogGone()
    await page.getByRole('alert').filter({ hasText: 'deleted at its portal' }).waitFor({ state: 'detached' })
  })

  step('one click rotates: Keystone has the new key and no other, and the store opens with it', async () => {
    const before = await keystoneKeys()
    const old = (await page.locator('.card code').first().innerText()).trim()
    assert.ok(before.includes(old))
    await press('Rotate…')
    await says('Only then is the old key deleted.')
    await shot('real-rotate')
    await press('Rotate key')
    await heading('The key is rotated')
    await says('is gone from')
    assert.equal(await page.getByRole('group', { name: 'Secret' }).count(), 0, 'nobody asked to see it')
    await press('Show the new secret…')
    const value = page.getByRole('group', { name: 'Secret' })
    await value.waitFor()
    const rotated = (await value.innerText()).trim()
    await shot('real-rotated')
    await press('Done')
    await dialogGone()
    assert.ok(!(await page.content()).includes(rotated), 'the page has forgotten it')
    assert.deepEqual(await filesWith(home, rotated), [], 'no file has it')
    const now = await keystoneKeys()
    assert.equal(now.length, before.length)
    assert.ok(!now.includes(old))
    const own = page.locator('.card code').first()
    await own.filter({ hasNotText: old }).waitFor()
    assert.ok(now.includes((await own.innerText()).trim()))
    const [made] = (await real.call('accounts')).filter(({ name }) => name === 'Made')
    await real.call('buckets', made.id)
  })

  step('removing the account leads to the key first', async () => {
    await actionsFor('Made')
    await page.getByRole('menuitem', { name: /^Remove/ }).click()
    await says('stays valid at the portal')
    await press('Cancel')
    await dialogGone()
  })
})

describe('application credentials and files', () => {
  before(fresh)
  after(put_away)

  step('a credential that may not make keys greys the button with the reason', async () => {
    const { id, secret } = bed.keystone.application_credential
    await press('Sign in and have a key made')
    await page.getByRole('option', { name: /^OpenStack/ }).click()
    await page.getByRole('tab', { name: 'Application credential' }).click()
    await fill('Address of Keystone', bed.keystone.url)
    await fill('Id', id)
    await fill('Secret of the credential', secret)
    await press('Sign in')
    await heading('Make a key')
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await shot('real-cannot-create')
    assert.equal(await page.getByRole('button', { name: 'Make a key' }).getAttribute('aria-disabled'), 'true')
    await press('Back')
  })

  step('a clouds.yaml is read, and the password it lacks is asked for', async () => {
    const file = join(home, 'clouds.yaml')
    await writeFile(
      file,
      `clouds:
  glaciers:
    auth:
      auth_url: ${bed.keystone.url}
      username: alice
      user_domain_name: Default
      project_name: survey
      project_domain_name: Default
    region_name: RegionTwo
  federated:
    auth_type: v3oidcpassword
    auth:
      auth_url: ${bed.keystone.url}
`,
    )
    await real.willPick([file])
    await page.getByRole('tab', { name: /clouds.yaml/ }).click()
    await press('Choose a file…')
    await says('glaciers')
    await shot('real-clouds')
    await page.getByLabel('glaciers', { exact: true }).check()
    await fill('Password', bed.keystone.alice.password)
    await press('Sign in')
    await heading('Make a key')
    await field('Region').waitFor()
    assert.equal(await field('Project').inputValue(), bed.keystone.projects.survey)
    assert.equal(await field('Address of the store').inputValue(), `${bed.rgw.localhost_endpoint}/`)
    await press('Make a key')
    await heading('Your new key')
    await page.getByRole('group', { name: 'Secret' }).waitFor()
    await press('Done')
    await dialogGone()
  })
})

describe('the practice store and the settings', () => {
  before(fresh)
  after(put_away)

  step('it starts from the welcome screen and opens', async () => {
    await shot('real-welcome')
    await press('Try the practice store')
    await page.getByRole('treeitem', { name: /^Practice/ }).waitFor()
  })

  step('its key says where it is from', async () => {
    await actionsFor('Practice')
    await page.getByRole('menuitem', { name: 'Keys' }).click()
    await says('The practice store made this key for itself')
    await shot('real-keys-practice')
  })

  step('theme and text size count at once and are kept', async () => {
    await press('Settings')
    await page.getByLabel('Dark', { exact: true }).check()
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
    await press('Larger')
    await page.waitForFunction(() => getComputedStyle(document.documentElement).fontSize === '14.3px')
    await shot('real-settings')
    await press('Change…')
    await heading('Where Wherry keeps secrets')
    await shot('real-vault')
    await page.getByLabel('An encrypted file').check()
    await fill('Passphrase', 'correct horse battery')
    await fill('The same again', 'correct horse batterie')
    await press('Use this')
    await says('The two are not the same.')
    await fill('The same again', 'correct horse battery')
    await press('Use this')
    await dialogGone()
    await press('Settings')
    await says('An encrypted file')
    await press('Done')
    await dialogGone()
    await page.waitForFunction(async () => {
      const answer = await fetch('/call', { method: 'POST', body: JSON.stringify({ command: 'settings' }) })
      const { ok } = await answer.json()
      return ok.theme === 'dark' && Math.abs(ok.textScale - 1.1) < 1e-9 && ok.vault === 'file'
    })
  })
})
