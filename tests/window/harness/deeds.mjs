/** What people do in Wherry, in the words that stand in its window. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bed, secretTool } from './bed.mjs'
import { dragFilesTo } from './screen.mjs'
import { assertNoTrace } from './traces.mjs'
import { until } from './until.mjs'

export { answerFileDialog } from './screen.mjs'

// Accounts

/** The first-run screen's way to the store inside the app; ends at its list of buckets. */
export async function openPracticeStore(page) {
  await page.press('Try the practice store')
  await page.gone('heading', 'Welcome to Wherry')
}

/** From the first run to the sign-in of a place, by the way of this title where it has several. */
export async function choosePlace(page, place, way) {
  await page.find('heading', 'Welcome to Wherry')
  await page.press('Sign in and have a key made')
  await (await page.find('option', place)).click()
  for (const title of [way ?? []].flat()) await page.press(title)
}

export function chooseOpenStack(page) {
  return choosePlace(page, /^OpenStack /)
}

/** Signs in with name and password and stops before the key is made. */
export async function signInToKeystone(page, { url, user, password }) {
  await page.fill('Address of Keystone', url)
  await page.fill('User name', user)
  await page.fill('Password', password)
  await page.press('Sign in')
}

/** From the first run; a refusal leaves the form as it is. */
export async function signInToSwarm(page, url, { user, password }) {
  await choosePlace(page, /^JASMIN /, 'Sign in to the Swarm gateway')
  await unfold(page, 'Connection')
  await page.fill('Address of the gateway (optional)', url)
  await page.fill('User name', user)
  await page.fill('Password', password)
  await page.press('Sign in')
}

/** A day so many days from now, as forms take it. */
export function dayIn(days) {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
}

/** In the form for a new key: it is to end when this day begins. */
export async function chooseDay(page, day) {
  await (await page.find('combobox', 'Expires')).choose('On another day…')
  await page.fill('Day it expires', day)
}

/** What stands beside the question to finish signing in in a browser. */
async function browserStep(page, part) {
  return until('what to do in the browser', () =>
    page.session.run((part) => document.querySelector(`section[aria-labelledby=finish] ${part} code`)?.innerText.trim(), part),
  )
}

export const signInCode = (page) => browserStep(page, '.code')
export const signInAddress = (page) => browserStep(page, '.address')

/** The id and the secret of the dialog that shows them once. */
export async function readNewKey(page) {
  const secret = await until('the secret to be shown', () => labelledText(page, 'Secret'))
  return { id: await labelledText(page, 'Access key id'), secret }
}

/**
 * Looks at the new key in the dialog that shows it once, and closes that: its secret came to the page in
 * one answer and no other, is in the keychain, and is nowhere else. What was typed to get it went to the
 * app as often as it was needed and never came back, and is nowhere. Returns the key. `account`: of the
 * account ids, the one whose key it is.
 */
export async function takeNewKey({ app, user, wire, typed = [], account = accountId }) {
  const { page } = app
  await page.find('heading', 'Your new key')
  const key = await readNewKey(page)
  assert.ok(key.id.length > 10 && key.secret.length > 10, 'an id and a secret')
  await page.press('Done')
  await page.gone('heading', 'Your new key')
  await keyIsSafe({ app, user, wire, typed, account: account(user), key })
  return key
}

export async function keyIsSafe({ app, user, wire, typed = [], account = accountId(user), key }) {
  const { page } = app
  assert.ok(!(await page.html()).includes(key.secret), 'the page still has the secret')
  assert.deepEqual(await wire.count(key.secret), { questions: 0, answers: 1 }, 'what passed between page and app')
  assert.equal(await keptSecret(user, account), key.secret)
  assertNoTrace(user, app, key.secret)
  await leftNothing({ app, user, wire, typed })
}

/**
 * A lent key never comes to the page: its secret, its session token and what the next one is lent for are
 * in the keychain and nowhere else. Returns the three. A directory's password leaves nothing to have the
 * next one lent for: then `renewed` is false.
 */
export async function lentKeyIsSafe({ app, user, wire, typed, renewed = true }) {
  const kept = {}
  for (const slot of ['', 'session-token', ...(renewed ? ['renewal'] : [])]) {
    const word = await keptSecret(user, undefined, slot)
    kept[slot || 'secret'] = word
    // A role is taken on with a key that somebody typed.
    if (typed.includes(word)) continue
    assertNoTrace(user, app, word)
    assert.deepEqual(await wire.count(word), { questions: 0, answers: 0 })
  }
  await leftNothing({ app, user, wire, typed })
  return kept
}

/** What was typed to sign in came to nobody's eyes but the portal's. */
export async function leftNothing({ app, user, wire, typed }) {
  for (const word of typed) {
    assert.equal((await wire.count(word)).answers, 0, 'what was typed came back to the page')
    assertNoTrace(user, app, word, { everywhere: false })
  }
}

/** Text that is named by a heading beside it. */
function labelledText(page, label) {
  return page.session.run((label) => {
    const named = [...document.querySelectorAll('[role=dialog] [aria-labelledby]')]
    const one = named.find((e) => document.getElementById(e.getAttribute('aria-labelledby'))?.innerText === label)
    return one?.innerText.trim() ?? null
  }, label)
}

/** From wherever the window is: the form for a key one has, at a store that is no preset. */
export async function openKeyForm(page, place = /^Other S3 store /) {
  // The first run has a way of its own.
  const [way] = await until('a way to add an account', async () => {
    const found = await page.findAll('button', /^(I have a key|Add account)$/)
    return found.length > 0 && found
  })
  await way.click()
  await (await page.find('option', place)).click()
  await page.labelled('Name')
}

export async function fillKeyForm(page, { name, endpoint, id, secret }) {
  if (name !== undefined) await page.fill('Name', name)
  if (endpoint !== undefined) await page.fill('Address of the store', endpoint)
  if (id !== undefined) await page.fill('Access key id', id)
  if (secret !== undefined) await page.fill('Secret', secret)
}

/** Opens what is folded away in the dialog under these words. */
export async function unfold(page, words) {
  await until(`“${words}” to be there`, () =>
    page.session.run((words) => {
      const found = [...document.querySelectorAll('[role=dialog] summary')].find((e) => e.innerText.trim() === words)
      if (found && !found.parentElement.open) found.click()
      return found !== undefined
    }, words),
  )
}

/** The fields few people need are folded away. */
export function openMoreSettings(page) {
  return unfold(page, 'More settings')
}

/** An account of the gateway's own user, added in the window. */
export async function addGatewayAccount(page, name, { endpoint = bed.rgw.endpoint, ...user } = {}) {
  const { access_key: id, secret_key: secret } = { ...bed.rgw.user, ...user }
  await addAccount(page, { name, endpoint, id, secret })
}

/** The first account, with a key in hand. */
export async function addAccount(page, key) {
  await page.find('heading', 'Welcome to Wherry')
  await openKeyForm(page)
  await fillKeyForm(page, key)
  await page.press('Save')
  await page.gone('dialog')
}

/** The ids of the accounts, in the order of the account file. */
export function accountIds(user) {
  return [...readFileSync(join(user.wherry, 'accounts.toml'), 'utf8').matchAll(/^id = "(.+)"$/gm)].map(([, id]) => id)
}

/** The id of the one account there is. */
export function accountId(user) {
  const ids = accountIds(user)
  if (ids.length !== 1) throw new Error(`there are ${ids.length} accounts`)
  return ids[0]
}

/**
 * What the keychain has for an account, by another program: the secret of its key, or with a `slot` what
 * belongs to that (`session-token`, `renewal`). A key that took another's place is kept under a name of its
 * own, which can change while one looks.
 */
export function keptSecret(user, account = accountId(user), slot = '') {
  return until(`the keychain to have the ${slot || 'secret'} of ${account}`, () => {
    const sections = readFileSync(join(user.wherry, 'accounts.toml'), 'utf8').split(/^\[\[/m)
    const section = sections.find((text) => text.includes(`\nid = "${account}"\n`))
    const name = /^kept_as = "(.+)"$/m.exec(section)?.[1] ?? account
    return secretTool(slot ? `${name}:${slot}` : name)
  })
}

export async function openAccountMenu(page, account) {
  const item = await page.find('treeitem', new RegExp(`^${account}`))
  await item.rightClick()
}

/** Rotates the key on the open Keys page; returns the ids before and after. */
export async function rotate(page, { seconds = 20 } = {}) {
  const before = await ownKeyId(page)
  await page.press('Rotate…')
  await page.find('dialog', 'Rotate this key?')
  await page.press('Rotate key')
  await page.find('dialog', 'The key is rotated', { seconds })
  await page.press('Done')
  await page.gone('dialog')
  const after = await until('the new key', async () => {
    const id = await ownKeyId(page)
    return id !== before && id
  })
  return { before, after }
}

/** The id of the key an account uses, as its open Keys page says. */
export function ownKeyId(page) {
  return until('the id of the key', () =>
    page.session.run(() => {
      const terms = [...document.querySelectorAll('section[aria-labelledby=own-key] dt')]
      return terms.find((dt) => dt.innerText.trim() === 'Access key id')?.nextElementSibling?.querySelector('code')?.innerText.trim()
    }),
  )
}

export async function openKeys(page, account) {
  await openAccountMenu(page, account)
  await (await page.find('menuitem', 'Keys')).click()
  await page.find('heading', `Keys of ${account}`)
}

// Buckets and folders

/** With an account open. */
export async function createBucket(page, name) {
  // The same button stands where the eye is and where the hand is.
  await until('a way to make a bucket', async () => (await page.findAll('button', 'New bucket…'))[0]).then((one) => one.click())
  await page.fill('Name', name)
  await page.press('Make bucket')
  await page.gone('dialog')
}

export async function openBucket(page, name) {
  await (await page.find('treeitem', name)).click()
}

/** In a new bucket: one file is dragged in with the mouse. Returns what the transfer says at its end. */
export async function uploadInto(app, bucket, file) {
  const { page } = app
  await createBucket(page, bucket)
  return dropFiles(app, await page.find('heading', 'This bucket is empty'), [file])
}

/** Drags files with the mouse and lets go of them over this element. */
export async function dropFilesOn(app, element, files) {
  await dragFilesTo(await app.middle(element), files)
}

/** The same, and waits for the end of the transfer; returns what it says. */
export function dropFiles(app, element, files, options) {
  return transfer(app.page, () => dropFilesOn(app, element, files), options)
}

/** What a row's first cell is called: a folder is written with a slash at its end here. */
function cellName(name) {
  return name.endsWith('/') ? `Folder ${name.slice(0, -1)}` : name
}

/** The rows that are on the screen, each as the words of its cells. */
export async function rows(page) {
  const [grid] = await page.findAll('grid')
  if (!grid) return []
  const found = await page.session.run(() =>
    [...document.querySelectorAll('[role=grid] [role=row]')].map((row) => ({
      at: Number(row.getAttribute('aria-rowindex')),
      cells: [...row.querySelectorAll('[role=gridcell]')].map((cell) => cell.textContent.trim().replace(/\s+/g, ' ')),
    })),
  )
  return found.filter(({ cells }) => cells.length).sort((a, b) => a.at - b.at).map(({ cells }) => cells)
}

export function row(page, name) {
  return page.find('gridcell', cellName(name))
}

/** Waits until the open folder shows exactly these names, in this order. */
export async function shows(page, names, { seconds = 20 } = {}) {
  let seen
  await until(
    `the folder to show ${JSON.stringify(names)}`,
    async () => {
      seen = (await rows(page)).map(([name]) => name)
      return seen.length === names.length && seen.every((name, i) => name === cellName(names[i]))
    },
    { seconds },
  ).catch(async (error) => {
    throw new Error(`${error.message}\nIt shows ${JSON.stringify(seen)}\n${await page.outline()}`)
  })
}

/** Types a path into the path bar. */
export async function goTo(page, path) {
  await page.keys('Control+l')
  await page.find('textbox', 'Path')
  await page.keys('Control+a', path, 'Enter')
  await page.gone('textbox', 'Path')
}

// Transfers

const RUN = /^(Upload|Download|Delete|Rename)( \d[\d,]* (file|object)s?)?$/

/** Presses the button that runs a plan, in the dialog that shows it. */
async function runPlan(page) {
  const [dialog] = await page.findAll('dialog')
  const [run] = dialog ? await page.findAll('button', RUN, { within: dialog }) : []
  await run?.click()
}

/**
 * Does something that becomes a transfer and waits until it has begun; a plan that is shown is run, as a
 * small and clean one is by itself.
 */
export async function beginTransfer(page, act) {
  const before = (await transfers(page)).length
  await act()
  await until('the transfer to begin', async () => {
    if ((await transfers(page)).length > before) return true
    await runPlan(page)
    return false
  })
  await page.gone('dialog')
}

/** The same, and waits for its end; returns what it says of itself. */
export async function transfer(page, act, options) {
  await beginTransfer(page, act)
  return transferEnds(page, options)
}

/** What the transfers panel says of each job, newest first. */
export async function transfers(page) {
  if (!(await page.has('region', 'Transfers')) && !(await page.has('dialog'))) await page.press('Transfers')
  // The last of the queue came last; what has ended is newest first.
  const [queue] = await page.findAll('list', 'Queue')
  const [over] = await page.findAll('list', 'Finished')
  const itemsOf = async (list) => (list ? page.findAll('listitem', undefined, { within: list }) : [])
  const items = [...(await itemsOf(queue)).reverse(), ...(await itemsOf(over))]
  const said = await Promise.all(items.map((item) => item.text()))
  return said.map((text) => {
    const [title, words] = text.split('\n').filter((line) => line.trim())
    return { title, words }
  })
}

/** Waits until the newest transfer has ended, and returns what it says. */
export async function transferEnds(page, { seconds = 60 } = {}) {
  const { words } = await until(
    'the transfer to end',
    async () => {
      const [newest] = await transfers(page)
      return /^(Done|Failed|Cancelled)|failed/.test(newest?.words ?? '') && newest
    },
    { seconds },
  )
  return words
}

/** A person starts Wherry once more while it is open; resolves to its exit status. */
export async function startAgain(user) {
  const second = spawn(process.env.WHERRY_APP, { env: user.environment(), stdio: 'ignore' })
  const [status] = await once(second, 'exit')
  return status
}
