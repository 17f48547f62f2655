/**
 * Between two accounts, and what was never finished, on the real engine, the practice store and a real
 * gateway, in a browser:
 *   tests/testbed/testbed with --rgw -- npm run test:real --prefix ui
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { drop, startReal } from './real.mjs'
import { row } from './states.mjs'

if (!process.env.WHERRY_TESTBED) throw new Error('these tests want servers: tests/testbed/testbed with --rgw -- npm run test:real --prefix ui')
const bed = JSON.parse(await readFile(process.env.WHERRY_TESTBED, 'utf8'))
const { endpoint, user } = bed.rgw
const bucket = `places-${process.pid}`
let real
let page
let errors

const dialog = () => page.getByRole('dialog')
const press = (name) => dialog().getByRole('button', { name, exact: true }).click()
async function until(so) {
  for (;;) {
    const answer = await so()
    if (answer) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
const jobs = () => real.call('jobs')

/** What another client says and does; the secret goes by standard input. */
async function boto(script) {
  const head = `import boto3, json, sys
from botocore.config import Config
asked = json.load(sys.stdin)
s3 = boto3.client("s3", endpoint_url=asked["endpoint"], aws_access_key_id=asked["access"], aws_secret_access_key=asked["secret"], region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
bucket = asked["bucket"]
`
  const client = spawn(bed.python, ['-c', `${head}${script}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  client.stdin.end(JSON.stringify({ endpoint, access: user.access_key, secret: user.secret_key, bucket }))
  return JSON.parse((await text(client.stdout)) || 'null')
}
const unfinished = () => boto(`print(json.dumps(sorted(u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))))`)
const keys = () => boto(`print(json.dumps([o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]))`)

before(async () => {
  await boto(`s3.create_bucket(Bucket=bucket)
for name in ("left behind.nc", "also ü.bin", "stays.bin"):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=name)["UploadId"]
    s3.upload_part(Bucket=bucket, Key=name, UploadId=upload, PartNumber=1, Body=bytes(5 << 20))
s3.put_object(Bucket=bucket, Key="whole.txt", Body=b"whole")`)
  real = await startReal()
  ;({ page, errors } = await real.page())
  page.setDefaultTimeout(20_000)
  await page.getByRole('button', { name: /practice store/i }).click()
  await page.getByRole('button', { name: 'New bucket…' }).first().click()
  await dialog().getByRole('textbox').fill('here')
  await page.keyboard.press('Enter')
  await page.getByText('This bucket is empty').waitFor()
  await mkdir(`${real.home}/files`)
  await writeFile(`${real.home}/files/notes.txt`, 'some notes')
  await drop(page, [`${real.home}/files/notes.txt`], { x: 700, y: 400 })
  await row(page, 'notes.txt').waitFor()
  await real.call('add_account', {
    name: 'Gateway',
    provider: 'ceph',
    endpointIndex: null,
    fields: {},
    endpoint,
    region: null,
    signing: null,
    addressing: null,
    accessKeyId: user.access_key,
    secret: user.secret_key,
    sessionToken: null,
    caFile: null,
    proxy: null,
    expires: null,
  })
})
after(async () => {
  await real?.close()
  assert.deepEqual(errors, [])
})

const limit = { timeout: 90_000 }

test('a row dragged onto a bucket of another account is copied there, and stays here', limit, async () => {
  const from = await row(page, 'notes.txt').boundingBox()
  await page.mouse.move(from.x + 60, from.y + 10)
  await page.mouse.down()
  const account = page.getByRole('treeitem', { name: 'Gateway' })
  await account.waitFor()
  const over = async (locator) => {
    const box = await locator.boundingBox()
    await page.mouse.move(box.x + 60, box.y + box.height / 2, { steps: 6 })
  }
  await over(account)
  const target = page.getByRole('treeitem', { name: bucket })
  await target.waitFor()
  await over(target)
  await page.waitForFunction((name) => document.querySelector('.ghost')?.textContent.includes(`Copy 1 item to ${name} of Gateway`), bucket)
  await page.mouse.up()
  await press('Copy 1 object')
  await until(async () => (await jobs()).some(({ kind, state }) => kind === 'copy' && state === 'done'))
  assert.ok((await keys()).includes('notes.txt'))
  assert.equal(await boto(`print(json.dumps(s3.get_object(Bucket=bucket, Key="notes.txt")["Body"].read().decode()))`), 'some notes')
  assert.equal(await row(page, 'notes.txt').count(), 1)
})

test('unfinished uploads are listed with their size and who began them, and cleaned up for good', limit, async () => {
  assert.deepEqual(await unfinished(), ['also ü.bin', 'left behind.nc', 'stays.bin'])
  await page.getByRole('treeitem', { name: bucket }).click({ button: 'right' })
  await page.getByRole('menuitem', { name: 'Unfinished uploads…' }).click()
  await dialog().getByText('3 uploads, 15.7 MB').waitFor()
  for (const name of ['left behind.nc', 'also ü.bin']) await dialog().getByRole('row').filter({ hasText: name }).click()
  await press('Clean up…')
  await dialog().getByText('10.5 MB are freed').waitFor()
  await dialog().getByText('2 of them began less than a day ago').waitFor()
  if (process.env.WHERRY_SHOTS) await page.screenshot({ path: `${process.env.WHERRY_SHOTS}/unfinished.png` })
  await press('Clean up 2 uploads')
  await dialog().getByText('2 unfinished uploads cleaned up, 10.5 MB freed.').waitFor()
  assert.deepEqual(await unfinished(), ['stays.bin'])
  assert.deepEqual((await keys()).sort(), ['notes.txt', 'whole.txt'], 'nothing that was there is touched')
  await page.keyboard.press('Escape')
  await dialog().waitFor({ state: 'detached' })
})
