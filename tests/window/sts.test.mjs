/** Stores that lend keys themselves: to people an institution vouches for, and to a key that may take on a role. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { bed, Store } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { backing, Double } from './harness/doubles.mjs'
import { listenIn } from './harness/ipc.mjs'
import { LendingGateway } from './harness/lending.mjs'
import { Person } from './harness/person.mjs'

/** From the form filled in to a file in the store, and what is left of it. */
async function useIt({ app, user, wire, typed, bucket, name, gateway, renewed = true }) {
  const { page } = app
  await page.find('button', 'Use this store')
  await page.fill('Name', name)
  await app.shot(`sts-${bucket.split('-')[0]}`)
  await page.press('Use this store')
  await page.says('It is ready.')
  await page.press('Done')
  await page.gone('dialog')
  const folder = user.files('to upload', { 'levels.csv': 'day,level\n' })
  assert.match(await deeds.uploadInto(app, bucket, join(folder, 'levels.csv')), /^Done: 1 file sent/)
  const { secret: secretKey, 'session-token': sessionToken } = await deeds.lentKeyIsSafe({ app, user, wire, typed, renewed })
  await deeds.openKeys(page, name)
  await page.says(renewed ? 'Wherry renews it by itself' : 'then Wherry asks you to sign in again')
  await app.shot(`sts-${bucket.split('-')[0]}-keys`)
  // The same key in the hands of another program.
  const store = new Store({ endpoint: gateway.endpoint, accessKey: await deeds.ownKeyId(page), secretKey, sessionToken })
  assert.equal(String((await store.read(bucket))['levels.csv']), 'day,level\n')
}

windowTest('single sign-on with a code: the store lends a key for it', async ({ t, user, start, step }) => {
  const { alice, issuer, client } = bed.oidc
  const gateway = await LendingGateway.start(t)
  const role = await gateway.roleForPeople('Web')
  const app = await start()
  const { page } = app
  await app.moveAside()
  const wire = await listenIn(page)

  await step('a code is shown, and typed in a browser on some other device', async () => {
    await deeds.choosePlace(page, /^Ceph /, 'Single sign-on')
    await page.fill('Address of the store', gateway.endpoint)
    await page.fill('Sign-in service', issuer)
    await page.fill('Client id', client)
    await page.fill('Role (optional)', role)
    await deeds.openMoreSettings(page)
    await page.fill('Scopes (optional)', 'openid offline_access s3')
    await (await page.find('radio', /^With a code/)).click()
    await page.press('Get a code…')
    await page.find('heading', 'Type this code on the sign-in page')
    await app.shot('sts-code')
    await new Person({ ...alice, code: await deeds.signInCode(page) }).open(await deeds.signInAddress(page))
  })
  await step('the lent key uploads a file, and is nowhere but in the keychain', () =>
    useIt({ app, user, wire, typed: [alice.password], bucket: `people-${process.pid}`, name: 'Institute', gateway }),
  )
})

windowTest('a key that may take on a role: the store lends another for it', async ({ t, user, start, step }) => {
  const gateway = await LendingGateway.start(t)
  const role = await gateway.roleForItsUser('Crew')
  const { access_key: id, secret_key: secret } = gateway.user
  const app = await start()
  const { page } = app
  await app.moveAside()
  const wire = await listenIn(page)

  await step('a wrong secret is said to be wrong, the right one opens the store', async () => {
    await deeds.choosePlace(page, /^Ceph /, 'A key that may take on a role')
    await page.fill('Address of the store', gateway.endpoint)
    await page.fill('Access key id', id)
    await page.fill('Secret', 'not the secret')
    await page.fill('Role', role)
    await page.press('Sign in')
    await page.says('did not accept this access key')
    await app.shot('sts-role-refused')
    await page.fill('Secret', secret)
    await page.press('Sign in')
  })
  await step('the lent key uploads a file, and is nowhere but in the keychain', () =>
    useIt({ app, user, wire, typed: [secret], bucket: `crew-${process.pid}`, name: 'Crew', gateway }),
  )
})

windowTest('a directory’s password: a MinIO store lends a key for it, and nothing is kept to go on with', async ({ t, user, start, step }) => {
  const gateway = await LendingGateway.start(t)
  const { about: minio } = await Double.start(t, 'minio-ldap', { rgw: backing(gateway) })
  const [{ name, password }] = minio.people
  const app = await start()
  const { page } = app
  await app.moveAside()
  const wire = await listenIn(page)

  await step('a wrong password is said to be wrong, the right one opens the store', async () => {
    await deeds.choosePlace(page, /^MinIO /, 'User name and password of your institution')
    await page.fill('Address of the store', minio.url)
    await page.fill('User name', name)
    await page.fill('Password', 'not the password')
    await page.press('Sign in')
    await page.says('did not accept')
    await page.fill('Password', password)
    await page.press('Sign in')
  })
  await step('the lent key uploads a file, and is nowhere but in the keychain', () =>
    useIt({ app, user, wire, typed: [password], bucket: `directory-${process.pid}`, name: 'Directory', gateway, renewed: false }),
  )
})
