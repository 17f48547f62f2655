/** Adding an account from a key one has: everything that is typed wrong is said in words, and stays typed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { bed, gateway, secretTool } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'

const { endpoint, tls_endpoint: tls, ca_file: authority, user: key, limited } = bed.rgw
const port = (address) => new URL(address).port

windowTest('each mistake in the form has its own words, and nothing typed is lost', async ({ user, start, step }) => {
  const page404 = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html' })
    answer.end('<!doctype html><title>Institute of Rivers</title><h1>Welcome</h1>')
  }).listen(0, '127.0.0.1')
  await once(page404, 'listening')
  const app = await start()
  const { page } = app
  const typed = { name: 'The river store', id: key.access_key, secret: key.secret_key }
  let shot = 0

  const tests = async (address, words) => {
    await page.fill('Address of the store', address)
    await page.press('Test')
    await page.says(words)
    await app.shot(`mistake-${++shot}`)
    for (const [label, text] of [['Name', typed.name], ['Address of the store', address], ['Access key id', typed.id], ['Secret', typed.secret]])
      assert.equal(await (await page.labelled(label)).value(), text, `${label} is as it was typed`)
  }

  await deeds.openKeyForm(page)
  await step('nothing filled in', async () => {
    await page.press('Save')
    await page.says(/missing|fill/i)
    assert.ok(await page.has('dialog'))
  })
  await deeds.fillKeyForm(page, typed)
  await step('a host that does not exist', () =>
    tests('https://s3.no-such-place.invalid', /no computer named “s3\.no-such-place\.invalid”/))
  await step('nobody at this port', () => tests('http://127.0.0.1:9', /Nothing answers at 127\.0\.0\.1:9/))
  await step('https where http is spoken', () => tests(`https://127.0.0.1:${port(endpoint)}`, /http:\/\/ in front/))
  await step('http where https is spoken', () => tests(`http://localhost:${port(tls)}`, /https:\/\/ in front/))
  await step('a web page', () => tests(`http://127.0.0.1:${page404.address().port}`, /it is not an S3 store/))
  page404.close()

  await step('a certificate of an unknown authority, until its file is chosen', async () => {
    await tests(tls, /an authority that this computer does not trust/)
    await deeds.openMoreSettings(page)
    await page.press('Choose Certificate authority')
    await deeds.answerFileDialog('Choose the certificate authority of the store', authority)
    await page.press('Test')
    await page.says('This works.')
  })

  await step('a key that the store does not know', async () => {
    await page.fill('Access key id', (typed.id = 'nobody'))
    await tests(endpoint, /does not know this access key/)
  })
  await step('a secret that is not the key’s', async () => {
    await page.fill('Access key id', (typed.id = key.access_key))
    await page.fill('Secret', (typed.secret = 'not the secret'))
    await tests(endpoint, /the secret does not belong to it/)
  })
  await step('Escape does not throw it away', async () => {
    await page.keys('Escape')
    await page.says('What you typed here would be lost')
    await page.press('Keep typing')
    assert.equal(await (await page.labelled('Name')).value(), typed.name)
  })
  await step('all of it right', async () => {
    await page.fill('Secret', key.secret_key)
    await page.press('Save')
    await page.gone('dialog')
    await page.find('treeitem', 'The river store')
    assert.equal(await secretTool(deeds.accountId(user)), key.secret_key)
    const file = readFileSync(join(user.wherry, 'accounts.toml'), 'utf8')
    assert.ok(file.includes(key.access_key) && !file.includes(key.secret_key), 'the file has the id and not the secret')
  })
})

windowTest('a key that may not list buckets opens one by its name', async ({ start, step }) => {
  const { page } = await start()
  await step('the account is added, with a remark', async () => {
    await deeds.openKeyForm(page)
    await deeds.fillKeyForm(page, { name: 'Limited', endpoint, id: limited.access_key, secret: limited.secret_key })
    await page.press('Test')
    await page.says('The key works, with one remark.')
    await page.press('Save')
    await page.gone('dialog')
  })
  await step('a bucket that is not there, or not ours', async () => {
    await page.press('Open by name…')
    await page.fill('Name', 'no-such-bucket-here')
    await page.press('Open')
    await page.says(/no such bucket/i)
    assert.equal(await (await page.labelled('Name')).value(), 'no-such-bucket-here')
  })
  await step('the shared one', async () => {
    await page.fill('Name', limited.bucket)
    await page.press('Open')
    await deeds.shows(page, ['readings/', 'about.txt'])
    await page.find('treeitem', limited.bucket)
  })
})

windowTest('a public bucket opens without any key', async ({ start }) => {
  const bucket = `public-${process.pid}`
  await gateway().make(bucket, { 'open data.csv': '1,2\n' })
  await gateway().share(bucket)
  const { page } = await start()
  await deeds.openKeyForm(page)
  await deeds.fillKeyForm(page, { name: 'Open data', endpoint })
  await deeds.openMoreSettings(page)
  await (await page.find('combobox', 'Signing')).choose(/^None: public buckets only/)
  await page.press('Save')
  await page.gone('dialog')
  await page.press('Open by name…')
  await page.fill('Name', bucket)
  await page.press('Open')
  await deeds.shows(page, ['open data.csv'])
})
