/** The pictures of the pages in `docs/places`: a story for each place. */
import { Double } from '../../tests/window/harness/doubles.mjs'

const day = 86_400_000
const dayIn = (days) => new Date(Date.now() + days * day).toISOString().slice(0, 10)

/** What a place's store and sign-in are called in its pictures. */
function nameStore(camera, bed, store) {
  camera.names.call(bed.rgw.endpoint, store)
  return camera
}

/** The last that stands on a page of keys. */
const keysEnd = (page) => page.locator('section.portal')

async function seen(camera) {
  await camera.heading('Your new key')
  await camera.page.getByRole('group', { name: 'Secret' }).waitFor()
  await camera.press('Done')
}

export async function jasmin(camera, { t }) {
  const { page, press, fill, bridge } = camera
  const portal = await Double.start(t, 'jasmin', { cookie_for_plain_http: true })
  camera.names
    .call(portal.about.store_url, 'http://mygroup-o.s3.jc.rl.ac.uk')
    // The double has both addresses at one host, and only one of them answers.
    .call(portal.about.store_url.replace('http:', 'https:'), 'https://mygroup-o.s3-ext.jc.rl.ac.uk')
    .call(`${new URL(portal.about.store_url).host} does not speak`, 'mygroup-o.s3-ext.jc.rl.ac.uk does not speak')
    .call(portal.about.url, 'https://s3-portal.jasmin.ac.uk')
    .call('cedadev-o', 'mygroup-o')
    .call('jdoe', 'ada')
    .call('shared-with-limited', 'soil-moisture')
  await camera.choosePlace(/^JASMIN/)
  await camera.shoot('jasmin-ways', { of: camera.dialog() })
  await press('Sign in to the Object Store Portal')
  await camera.unfold('Connection')
  await fill('Address of the portal', portal.about.url)
  // The window with the portal's own pages is not the bridge's: what it would bring home is handed in.
  await bridge.willPick([(await portal.do('session', { user: 'jdoe' })).cookie])
  await press('Open the JASMIN sign-in…')
  await camera.choose('Tenancy', 'cedadev-o')
  await fill('Password', 'jdoe-password')
  await press('Open the tenancy')
  await fill('Name of the key', 'office computer')
  await fill('Name', 'My group')
  await page.getByRole('radio', { name: /^From anywhere/ }).waitFor()
  await camera.shoot('jasmin-make-a-key', { of: camera.dialog() })
  await press('Make a key')
  await seen(camera)
  await camera.dialogGone()

  // A second key, for the account to go on with, that ends soon.
  await camera.openKeys('My group')
  await press('Make a new key')
  await fill('Name of the key', 'my laptop')
  await camera.choose('Expires', 'On another day')
  await fill('Day it expires', dayIn(10))
  await press('Make a key')
  await seen(camera)
  await camera.dialogGone()
  await page.getByRole('row').filter({ hasText: 'my laptop' }).waitFor()
  await camera.shoot('jasmin-keys', { downTo: keysEnd(page) })
  await press('Rotate…')
  await camera.heading('Rotate this key?')
  await camera.choose('Expires', 'In one year')
  await camera.shoot('rotate', { of: camera.dialog() })
  await press('Cancel')
}

/** Keystone's own catalog tells which regions there are: here it has those of CloudFerro. */
async function makeRegions({ keystone, rgw }, names) {
  const { url, admin } = keystone
  const user = { name: admin.name, password: admin.password, domain: { name: keystone.domain } }
  const scope = { project: { name: admin.project, domain: { name: keystone.domain } } }
  const auth = { identity: { methods: ['password'], password: { user } }, scope }
  const ask = (method, path, body, token = '') =>
    fetch(url + path, { method, headers: { 'content-type': 'application/json', 'x-auth-token': token }, body: body && JSON.stringify(body) })
  const token = (await ask('POST', '/auth/tokens', { auth })).headers.get('x-subject-token')
  const get = async (path) => (await ask('GET', path, undefined, token)).json()
  const [service] = (await get('/services?type=object-store')).services
  const old = (await get(`/endpoints?service_id=${service.id}`)).endpoints
  const { port } = new URL(rgw.endpoint)
  for (const [i, name] of names.entries()) {
    await ask('POST', '/regions', { region: { id: name } }, token)
    const address = i === 0 ? rgw.endpoint : `http://127.0.0.${i + 1}:${port}`
    const endpoint = { service_id: service.id, region_id: name, interface: 'public', url: address }
    await ask('POST', '/endpoints', { endpoint }, token)
  }
  for (const { id } of old) await ask('DELETE', `/endpoints/${id}`, undefined, token)
  return names.map((name, i) => [i === 0 ? rgw.endpoint : `http://127.0.0.${i + 1}:${port}`, name])
}

export async function cloudferro(camera, { bed }) {
  const { page, press, fill } = camera
  for (const [address, name] of await makeRegions(bed, ['WAW4-1', 'WAW3-1', 'WAW3-2', 'FRA1-2', 'FRA1-3', 'LCJ1-1']))
    camera.names.call(address, `https://s3.${name.toLowerCase()}.cloudferro.com`)
  camera.names.call(bed.keystone.url, 'https://keystone.cloudferro.com:5000/v3').call('alice', 'ada').call('demo', 'glaciers')
  await camera.choosePlace(/^CloudFerro/)
  await fill('Address of Keystone', bed.keystone.url)
  await fill('User name', 'alice')
  await fill('Password', bed.keystone.alice.password)
  await press('Sign in')
  await camera.choose('Project', 'demo')
  await camera.choose('Region', 'WAW4-1')
  await fill('Name', 'Glaciers WAW4-1')
  await press('Make a key')
  await seen(camera)
  await camera.dialogGone()
  await camera.openKeys('Glaciers WAW4-1')
  await page.getByRole('row').filter({ hasText: 'LCJ1-1' }).waitFor()
  await camera.shoot('regions')
  await press('Reset the key of WAW4-1…')
  await page.getByText('The old pair stops working at once.').waitFor()
  await camera.shoot('regions-reset', { of: camera.dialog() })
  await press('Cancel')
}

export async function copernicus(camera, { bed, t }) {
  const { page, press, fill } = camera
  const { alice, issuer } = bed.oidc
  const portal = await Double.start(t, 's3-keys-manager', { bearers: { issuer } })
  await portal.do('propagate-after', { milliseconds: 8000 })
  nameStore(camera, bed, 'https://eodata.dataspace.copernicus.eu').names
    .call(portal.about.url, 'https://s3-keys-manager.cloudferro.com')
    .call(issuer, 'https://identity.dataspace.copernicus.eu')
    .call('alice', 'ada@example.org')
    .call('shared-with-limited', 'eodata')
  await camera.choosePlace(/^Copernicus/)
  await fill('User name', 'alice')
  await fill('Password', alice.password)
  await camera.shoot('copernicus-sign-in', { of: camera.dialog() })
  await camera.unfold('More settings')
  await fill('Sign-in service', issuer)
  await camera.unfold('Connection')
  await fill('Address of the S3 Keys Manager', portal.about.url)
  await press('Sign in')
  await fill('Address of the store', bed.rgw.endpoint)
  await camera.choose('Expires', 'In one year')
  await fill('Name', 'Sentinel')
  await press('Make a key')
  await seen(camera)
  await camera.heading('Nearly there')
  await camera.shoot('copernicus-nearly-there', { of: camera.dialog() })
  await camera.dialogGone()
  // While Wherry waited, the store may have refused the key in the list at the left.
  const again = page.getByRole('button', { name: 'Try again' })
  const bucket = page.getByRole('treeitem', { name: 'shared-with-limited' })
  await again.or(bucket).first().waitFor()
  if (await again.isVisible()) await again.click()
  await bucket.waitFor()
  await page.locator('.account').getByText('refused').first().waitFor({ state: 'detached' })
  await camera.openKeys('Sentinel')
  await page.locator('td code').first().waitFor()
  await camera.shoot('copernicus-keys', { downTo: keysEnd(page) })
}

export async function cray(camera, { bed, t }) {
  const { page, press, fill } = camera
  const { alice, issuer } = bed.oidc
  const portal = await Double.start(t, 'cray', { bearers: { issuer } })
  await portal.do('endpoint', { url: bed.rgw.endpoint })
  nameStore(camera, bed, 'https://rgw-vip.nmn.system.example.org').names
    .call(portal.about.url, 'https://api.cmn.system.example.org')
    .call(issuer, 'https://auth.cmn.system.example.org/keycloak/realms/shasta')
    .call('alice', 'ada')
    .call('shared-with-limited', 'simulation-output')
  await camera.choosePlace(/^HPE Cray/)
  await fill('Address of the system', portal.about.url)
  await fill('User name', 'alice')
  await fill('Password', alice.password)
  await camera.shoot('cray-sign-in', { of: camera.dialog() })
  await camera.unfold('More settings')
  await fill('Sign-in service', issuer)
  await fill('Client id', 'shasta')
  await press('Sign in')
  await page.getByRole('textbox', { name: /^Address of the store/ }).waitFor()
  await fill('Name', 'The machine')
  await press('Use this store')
  await page.getByText('It is ready.').waitFor()
  await press('Done')
  await camera.dialogGone()
  await camera.openKeys('The machine')
  await page.getByText('Wherry renews it by itself').waitFor()
  await camera.shoot('cray-keys', { downTo: keysEnd(page) })
}

export async function sts(camera, { bed }) {
  const { page, press, fill } = camera
  const { issuer, client } = bed.oidc
  nameStore(camera, bed, 'https://s3.example.org').names.call(issuer, 'https://login.example.org')
  await camera.choosePlace(/^Ceph/)
  await page.getByRole('button', { name: 'Single sign-on', exact: true }).waitFor()
  await camera.shoot('sts-ways', { of: camera.dialog() })
  await press('Single sign-on')
  await fill('Address of the store', bed.rgw.endpoint)
  await fill('Sign-in service', issuer)
  await fill('Client id', client)
  await fill('Role', 'arn:aws:iam:::role/researcher')
  await page.getByRole('radio', { name: /^With a code/ }).click()
  await press('Get a code…')
  await camera.heading('Type this code on the sign-in page')
  await camera.shoot('sts-code', { of: camera.dialog() })
}
