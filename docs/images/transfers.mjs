/** The pictures of transfers: a queue at work, a sync, what is kept of it, work for elsewhere, and what was never finished. */
import { mkdir, open, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gateway } from '../../tests/window/harness/bed.mjs'
import { drop } from '../../ui/tests/real.mjs'

const MB = 1_000_000

/** A folder of files of so many bytes, all of them full of one letter, and of the same day. */
async function fill(folder, files) {
  for (const [name, size] of files) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    if (size > 10 * MB) {
      const file = await open(path, 'w')
      await file.truncate(size)
      await file.close()
    } else await writeFile(path, 'x'.repeat(size))
    await utimes(path, new Date('2026-03-01T09:00:00Z'), new Date('2026-03-01T09:00:00Z'))
  }
}

const run = (n) => `runs/run-${String(n).padStart(2, '0')}.csv`
const runs = (from, to, size) => Array.from({ length: to - from + 1 }, (_, i) => [run(from + i), size + i])

export async function transfers(camera, { bed }) {
  const { page, press, home } = camera
  const here = join(home, 'campaign')
  camera.names.call(bed.rgw.endpoint, 'https://s3.lakes.example.org').call(home, '/home/ada').call('shared-with-limited', 'shared-with-partners').call('begun by Test', 'begun by ada')
  const bucket = 'lake-campaign-2026'
  const store = gateway()
  await store.make(bucket)

  const form = {
    name: 'Lake observatory', provider: 'ceph', endpointIndex: null, fields: {}, endpoint: bed.rgw.endpoint, region: null,
    signing: null, addressing: null, accessKeyId: bed.rgw.user.access_key, secret: bed.rgw.user.secret_key, sessionToken: null, caFile: null,
    proxy: null, expires: null,
  }
  await camera.call('add_account', form)
  await page.getByRole('treeitem', { name: /^Lake observatory/ }).first().click()
  await page.getByRole('treeitem', { name: bucket }).first().click()
  await page.getByText('This bucket is empty').waitFor()
  const jobs = () => camera.call('jobs')
  const limit = async (uploadLimit) => {
    const settings = await camera.call('settings')
    await camera.call('save_settings', { ...settings, transfers: { ...settings.transfers, uploadLimit } })
    // The window has settings of its own until it begins anew.
    await page.reload()
    await page.getByRole('treeitem', { name: bucket }).first().click()
    await page.getByRole('grid', { name: `Contents of ${bucket}/` }).waitFor()
  }
  const ended = async () => {
    while (!(await jobs()).every((job) => job.ended !== null)) await page.waitForTimeout(100)
  }
  const upload = async (name, files) => {
    await fill(join(here, name), files)
    const before = (await jobs()).length
    await drop(page, [join(here, name)], { x: 700, y: 350 })
    while ((await jobs()).length === before) await page.waitForTimeout(100)
  }

  // What is there before the sync.
  await upload('stations', [...runs(1, 24, 40_000), ['runs/calibration old.csv', 9000], ['notes/field book.txt', 3000], ['README.md', 1200]])
  await ended()

  // A queue at work: one that crawls, one that waits its turn, one that is paused.
  await limit(9 * MB)
  await upload('soundings', [...runs(1, 3, 2 * MB), ['sonar/2026-06-14.raw', 480 * MB], ['sonar/2026-06-15.raw', 390 * MB]])
  await upload('photos', [['transect.zip', 240 * MB]])
  await upload('levels', runs(1, 40, 90_000))
  await press('Show')
  await page.getByRole('button', { name: /^Files of “Upload/ }).first().click()
  await page.waitForTimeout(14_000)
  await page.mouse.move(640, 300)
  await camera.shoot('queue')
  for (const job of await jobs()) if (job.ended === null) await camera.call('cancel_job', job.id)
  await limit(null)
  await ended()
  await press('Close transfers')


  // The same folder, some days later.
  const stations = join(here, 'stations')
  await fill(stations, [...runs(25, 27, 41_000)])
  for (const name of [run(3), 'README.md']) await writeFile(join(stations, name), 'corrected '.repeat(800))
  await rm(join(stations, 'runs/calibration old.csv'))
  await page.getByRole('row').filter({ hasText: 'stations' }).first().dblclick()
  await page.getByRole('row').filter({ hasText: 'README.md' }).first().waitFor()
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Sync this folder…' }).click()
  await page.getByRole('dialog').waitFor()
  await camera.bridge.willPick([stations])
  await press('Choose a folder…')
  await page.getByLabel('Delete what is only at the destination').check()
  await page.getByRole('dialog').getByLabel('Direction').focus()
  await camera.shoot('sync', { of: camera.dialog() })
  await press('Look what would change…')
  await page.getByRole('heading', { name: /^Sync \/.* to / }).waitFor()
  await page.getByText('run-25.csv').first().waitFor()
  await camera.shoot('sync-plan', { of: camera.dialog() })
  await press('Run elsewhere…')
  await page.getByText('#SBATCH').first().waitFor()
  await camera.shoot('elsewhere', { of: camera.dialog() })
  await press('Back to the plan')
  await page.getByRole('dialog').getByRole('button', { name: /^Sync: copy/ }).click()
  await camera.dialogGone()
  await ended()

  await page.keyboard.press('Control+Shift+J')
  await camera.heading('History')
  await page.getByRole('grid', { name: 'Transfers that have ended' }).focus()
  await page.getByText(/^Done:/).first().waitFor()
  await camera.shoot('history')
  await page.getByRole('button', { name: /^Receipts of “Sync/ }).first().click()
  await page.getByText('run-25.csv').first().waitFor()
  await page.getByRole('grid', { name: 'Receipts' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Copy receipt' }).waitFor()
  await camera.shoot('receipts', { of: camera.dialog() })
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).last().click()
  await camera.dialogGone()

  for (const [key, part] of [['backup/laptop 2025.tar', 9 * MB], ['sonar/2025-11-02.raw', 7 * MB], ['photos/all.zip', 5 * MB]]) await store.leaveUnfinished(bucket, key, part)
  await page.getByRole('treeitem', { name: bucket }).first().click({ button: 'right' })
  await page.getByRole('menuitem', { name: 'Unfinished uploads…' }).click()
  await page.getByText('sonar/2025-11-02.raw').waitFor()
  await page.getByRole('dialog').getByLabel(/^All/).check()
  await camera.shoot('unfinished', { of: camera.dialog() })
}
