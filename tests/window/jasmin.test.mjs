/** The JASMIN Object Store Portal: signed in to on its own pages, in a window that can do nothing else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { windowTest } from './harness/app.mjs'
import { gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { Double } from './harness/doubles.mjs'
import { listenIn } from './harness/ipc.mjs'
import { closeByHand, fillInPage, pageIsAt, windows } from './harness/screen.mjs'
import { until } from './harness/until.mjs'

const PASSWORD = 'jdoe-password'

async function openSignIn(page, url) {
  await deeds.choosePlace(page, /^JASMIN /, 'Sign in to the Object Store Portal')
  await deeds.unfold(page, 'Connection')
  await page.fill('Address of the portal', url)
  await page.press('Open the JASMIN sign-in…')
}

windowTest(
  'a key of a tenancy is made, used, rotated and deleted',
  async ({ t, user, start, step }) => {
    const portal = await Double.start(t, 'jasmin', { cookie_for_plain_http: true })
    const bucket = `tenancy-${process.pid}`
    const app = await start()
    const { page } = app
    await app.moveAside()
    const wire = await listenIn(page)

    await step('a window shows the institution’s own page and says whose it is', async () => {
      await openSignIn(page, portal.about.url)
      const window = await pageIsAt(portal.about.institution_url)
      await fillInPage(window, ['jdoe', PASSWORD], { seen: () => app.photograph('jasmin-window') })
      // It closes by itself, and the form goes on.
      await until('the window to close', async () => (await windows('sign in$')).length === 0)
    })

    await step('a tenancy is chosen, and opened with the password', async () => {
      await (await page.find('combobox', 'Tenancy')).choose(/^cedadev-o/)
      assert.equal((await wire.count(PASSWORD)).questions, 0, 'what is typed there does not pass through here')
      await page.fill('Password', 'not the password')
      await page.press('Open the tenancy')
      await page.find('alert')
      await app.shot('jasmin-password-refused')
      await page.fill('Password', PASSWORD)
      await page.press('Open the tenancy')
      // Two addresses for the same data: the one that answers is chosen, the other greyed with the reason.
      const inside = await page.find('radio', /^Inside JASMIN/)
      assert.equal(await inside.attribute('disabled'), null)
      assert.notEqual(await (await page.find('radio', /^From anywhere/)).attribute('disabled'), null)
      assert.equal(await (await page.find('textbox', 'Address of the store')).value(), `${portal.about.store_url}/`)
      await app.shot('jasmin-make-a-key')
    })

    const typed = [PASSWORD]
    let first
    await step('the key is made, and its secret shown once', async () => {
      await page.fill('Name of the key', 'a name that is longer than a portal takes')
      await page.press('Make a key')
      await page.says(/25 are as many as the portal takes/)
      await page.fill('Name of the key', 'my laptop')
      await (await page.find('combobox', 'Expires')).choose(/^In three months/)
      await page.fill('Name', 'Tenancy')
      await page.press('Make a key')
      first = await deeds.takeNewKey({ app, user, wire, typed })
      assert.deepEqual(await ownKeys(portal), [first.id])
    })

    await step('a file is uploaded with it', async () => {
      const folder = user.files('to upload', { 'levels.csv': 'day,level\n1,2.5\n' })
      assert.match(await deeds.uploadInto(app, bucket, join(folder, 'levels.csv')), /^Done: 1 file sent/)
      assert.equal(String((await gateway().read(bucket))['levels.csv']), 'day,level\n1,2.5\n')
    })

    await step('the Keys page lists it without the portal’s own keys, and rotates it', async () => {
      await deeds.openKeys(page, 'Tenancy')
      await page.find('row', new RegExp(`${first.id}.*my laptop`))
      assert.ok(!(await page.text()).includes('JASMIN account auth'), 'the portal’s helpers are hidden')
      await app.shot('jasmin-keys')
      const { before, after } = await deeds.rotate(page)
      assert.equal(before, first.id)
      assert.deepEqual(await ownKeys(portal), [after])
      await deeds.openBucket(page, bucket)
      await deeds.shows(page, ['levels.csv'])
    })

    await step('it is deleted', async () => {
      await deeds.openKeys(page, 'Tenancy')
      await page.press(`Delete key ${await deeds.ownKeyId(page)}…`)
      await page.press('Delete key')
      await page.says('This key is deleted at its portal.')
      assert.deepEqual(await ownKeys(portal), [])
      await deeds.leftNothing({ app, user, wire, typed })
    })
  },
  { seconds: 180 },
)

/** The keys at the portal, without the two it makes for itself. */
async function ownKeys(portal) {
  const { keys } = await portal.do('keys')
  return keys.filter(({ description }) => !description.startsWith('JASMIN account auth')).map(({ access_key_id: id }) => id)
}

/** Tries everything that gives Wherry a command, and tells its server what came of it. */
const FOREIGN_PAGE = `<!doctype html><title>Sign in to Wherry</title><script>
const command = { command: 'accounts', args: null }
const ways = {
  invoke: () => window.__TAURI_INTERNALS__.invoke('call', command),
  event: () => window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event: 'x', target: { kind: 'Any' }, handler: 1 }),
  protocol: async () => {
    const answer = await fetch('ipc://localhost/call', { method: 'POST', body: JSON.stringify(command), headers: { 'content-type': 'application/json',
      'tauri-callback': '1', 'tauri-error': '2', 'tauri-invoke-key': window.__TAURI_INVOKE_KEY__ ?? 'none' } })
    if (!answer.ok) throw await answer.text()
    return answer.text()
  },
}
const tell = async () => {
  const came = {}
  for (const [way, go] of Object.entries(ways)) {
    const silence = new Promise((_, no) => setTimeout(() => no('no answer'), 3000))
    await Promise.race([go(), silence]).then((it) => (came[way] = { worked: String(it) }), (why) => (came[way] = { refused: String(why?.message ?? why) }))
  }
  await fetch('/came', { method: 'POST', body: JSON.stringify(came) })
}
tell()
</script>`

// Promise: A portal's own sign-in pages are shown in a window that can give no command, whose cookies end
// with it.
windowTest('a page in the sign-in window can do nothing in Wherry, and is forgotten', async ({ t, start, step }) => {
  const cookies = []
  let came = null
  const foreign = createServer(async (request, response) => {
    if (request.url === '/came') came = { ...JSON.parse(await text(request)), cookie: request.headers.cookie }
    else if (request.url === '/login/redirect') cookies.push(request.headers.cookie ?? null)
    response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'left=behind; path=/; max-age=86400' })
    response.end(FOREIGN_PAGE)
  }).listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  t.after(() => foreign.close().closeAllConnections())
  const address = `http://127.0.0.1:${foreign.address().port}`
  const app = await start()
  const { page } = app

  await step('every command is refused', async () => {
    const own = () => window.__TAURI_INTERNALS__.invoke('call', { command: 'accounts', args: null })
    assert.deepEqual(await page.session.run(own), [], 'the command is one that works in Wherry’s own page')
    await openSignIn(page, address)
    await until('the page to have tried', () => came)
    const { cookie, ...tried } = came
    assert.equal(cookie, 'left=behind', 'the window keeps a cookie as long as it is there')
    for (const [way, { worked, refused }] of Object.entries(tried)) {
      assert.equal(worked, undefined, `${way} worked`)
      t.diagnostic(`${way}: ${refused}`)
    }
    assert.match(tried.invoke.refused, /not allowed/)
  })

  await step('the address stands in the title, whatever the page calls itself', async () => {
    const window = await pageIsAt(address)
    assert.deepEqual(await windows('Sign in to Wherry'), [])
    await app.photograph('sign-in-window')
    await closeByHand(window)
    await page.says('The window was closed before you had signed in.')
    await app.shot('sign-in-window-closed')
  })

  await step('the next window knows nothing of the last one', async () => {
    await page.press('Open the JASMIN sign-in…')
    await until('the page to be asked for again', () => cookies.length >= 2)
    assert.deepEqual(cookies, [null, null])
    await pageIsAt(address)
  })

  await step('given up in Wherry, it closes too', async () => {
    const [waiting] = await page.findAll('status')
    assert.match(await waiting.text(), /Waiting for you/)
    await (await page.find('button', 'Cancel', { within: waiting })).click()
    await until('the window to close', async () => (await windows('sign in$')).length === 0)
  })
})
