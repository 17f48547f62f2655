/** The pictures of the README and the guide: from the first start to a transfer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { drop } from '../../ui/tests/real.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const day = 86_400_000

/** Key, size in MB, days ago. */
const LAKE = [
  ['2021/january.nc', 180, 1500], ['2022/january.nc', 181, 1100], ['2023/january.nc', 182, 800], ['2024/january.nc', 184, 400],
  ['calibration/sensor 1.csv', 0.4, 300], ['maps/bathymetry.tif', 60, 220],
  ['README.md', 0.006, 240], ['stations.csv', 0.081, 12], ['level_2024.nc', 48.3, 130], ['level_2025_provisional.nc', 21.7, 2],
  ['water temperature (buoys).parquet', 15.2, 40], ['Müggelsee transects.gpkg', 6.3, 61], ['quality report 2024.pdf', 2.4, 118],
  ['ice thickness 1950–2020.csv', 1.9, 512], ['gauge photos.zip', 33, 77], ['levels_daily.csv', 3.1, 1], ['licence.txt', 0.001, 900],
]

async function fill(folder, files) {
  for (const [key, megabytes, ago] of files) {
    const path = join(folder, key)
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'w')
    await file.truncate(Math.round(megabytes * 1e6))
    await file.close()
    const when = new Date(Date.now() - ago * day - 3_600_000 * (key.length % 11))
    await utimes(path, when, when)
  }
}

/** A store of one's own: plain files behind an S3 server. */
async function serve(folder) {
  const server = spawn(join(here, '../../target/debug/examples/serve'), [folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
  const [endpoint, id, secret] = [await lines.next(), await lines.next(), await lines.next()].map((line) => line.value)
  return {
    endpoint,
    id,
    secret,
    async stop() {
      const ended = once(server, 'exit')
      server.kill('SIGINT')
      await ended
    },
  }
}

export async function guide(camera, { bed, t }) {
  const { page, press, field, home } = camera
  const row = (name) => page.getByRole('row').filter({ hasText: name }).first()
  const lake = join(home, 'lake')
  await fill(join(lake, 'lake-levels'), LAKE)
  for (const bucket of ['sentinel-2-mosaics', 'shared-with-partners', 'thesis-2026']) await fill(join(lake, bucket), [['README.md', 0.01, 100]])
  const store = await serve(lake)
  t.after(() => store.stop())
  camera.names
    .call(bed.keystone.url, 'https://keystone.example.org:5000/v3')
    .call(bed.rgw.endpoint, 'https://objects.example.org')
    .call(store.endpoint, 'https://s3.lakes.example.org')
    .call('alice', 'ada')
    .call('demo', 'climate')
    .call('shared-with-limited', 'shared-with-partners')
  await camera.shoot('welcome')

  await press('Sign in and have a key made')
  await page.getByRole('option', { name: /^OpenStack/ }).click()
  await field('Address of Keystone').fill(bed.keystone.url)
  await field('User name').fill('alice')
  await field('Password').fill(bed.keystone.alice.password)
  await camera.shoot('sign-in', { of: camera.dialog() })
  await press('Sign in')
  await page.getByRole('heading', { name: 'Make a key' }).waitFor()
  await camera.choose('Project', 'demo')
  await field('Region').waitFor()
  await field('Name').fill('Climate group')
  await camera.shoot('make-a-key', { of: camera.dialog() })
  await press('Make a key')
  await page.getByRole('heading', { name: 'Your new key' }).waitFor()
  await page.getByRole('group', { name: 'Secret' }).waitFor()
  await camera.shoot('shown-once', { of: camera.dialog() })
  await press('Done')
  await camera.dialogGone()

  const form = {
    name: 'Lake observatory', provider: 'ceph', endpointIndex: null, fields: {}, endpoint: store.endpoint, region: null,
    signing: null, addressing: null, accessKeyId: store.id, secret: store.secret, sessionToken: null, caFile: null,
    proxy: null, expires: Date.now() + 9.5 * day,
  }
  await camera.call('add_account', form)
  const [climate] = await camera.call('accounts')
  for (const bucket of ['era5-monthly', 'field-campaign-2026']) await camera.call('create_bucket', { account: climate.id, bucket })
  await page.getByRole('treeitem', { name: 'field-campaign-2026' }).waitFor()
  await camera.openKeys('Climate group')
  await page.getByRole('heading', { name: 'At the portal' }).waitFor()
  await page.locator('td code').first().waitFor()
  await camera.shoot('keys', { downTo: page.locator('section.portal') })

  await page.getByRole('treeitem', { name: /^Lake observatory/ }).first().click()
  await page.getByRole('treeitem', { name: 'lake-levels' }).first().click()
  await row('level_2024.nc').waitFor()
  await row('level_2025_provisional.nc').click()
  await press('Properties')
  await page.getByText('ETag').first().waitFor()
  await page.mouse.move(640, 780)
  await camera.shoot('wherry', { schemes: ['light', 'dark'] })
  await press('Properties')

  // An upload that meets what is there already.
  const mine = join(home, 'to upload')
  await fill(mine, [['stations.csv', 0.09, 0], ['levels_daily.csv', 3.2, 0], ['level_2026_provisional.nc', 42, 0], ['notes/gauges.md', 0.01, 0], ['notes/.DS_Store', 0.006, 0]])
  await writeFile(join(mine, 'notes/field book.txt'), 'pages')
  const names = ['stations.csv', 'levels_daily.csv', 'level_2026_provisional.nc', 'notes']
  await drop(page, names.map((name) => join(mine, name)), { x: 700, y: 500 })
  const upload = page.getByRole('dialog').getByRole('button', { name: /^Upload/ })
  await upload.waitFor()
  await camera.shoot('plan')
  await page.getByRole('dialog').getByRole('radio', { name: /^Replace/ }).click()
  await upload.click()
  await camera.dialogGone()
  await row('level_2026_provisional.nc').waitFor()
  await page.getByText(/^Done/).first().waitFor()

  await camera.menu('Lake observatory', 'Use with other tools…')
  await page.getByRole('option', { name: 'rclone', exact: true }).click()
  await page.getByRole('button', { name: /^Add to/ }).waitFor()
  await camera.shoot('other-tools', { of: camera.dialog() })
  await press('Done')
}
