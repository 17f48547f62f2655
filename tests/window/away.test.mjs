/** Transfers while nobody looks: the computer stays awake for them, and the desktop says when one has gone wrong. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { windowTest } from './harness/app.mjs'
import { bed, gateway } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { Inhibitions } from './harness/inhibitions.mjs'
import { Notifications } from './harness/notifications.mjs'
import { windows, xdotool } from './harness/screen.mjs'
import { Sluice } from './harness/sluice.mjs'
import { until } from './harness/until.mjs'

/** GNOME's number for the sleep of a computer that nobody uses. */
const SUSPEND = 4

windowTest('the computer stays awake while files move, and the desktop tells of what went wrong', async ({ t, user, start, step }) => {
  const bucket = `away-${process.pid}`
  await gateway().make(bucket)
  const [desktop, system] = [await Notifications.start(t), await Inhibitions.start(t)]
  const sluice = await Sluice.start(t, bed.rgw.endpoint)
  const app = await start({ env: system.environment })
  const { page } = app
  const files = user.files('desk', { 'kept.txt': 'one', 'also kept.txt': 'four', 'refused <1>.txt': 'two', 'refused 2.txt': 'three' })
  await app.moveAside()
  await deeds.addGatewayAccount(page, 'Gateway', { endpoint: sluice.address })
  await deeds.openBucket(page, bucket)
  assert.deepEqual(system.all, [])
  // Nothing arrives before the test says so, and some not at all.
  const puts = (line) => line.startsWith(`PUT /${bucket}/`)
  sluice.refuse((line) => puts(line) && line.includes('refused'))
  const held = () => sluice.hold(puts)
  const letGo = () => sluice.hold(() => false)
  const isShown = async () => (await windows('.')).includes(app.window)
  const hasKeyboard = async () => (await xdotool('getactivewindow').catch(() => '')) === String(app.window)
  const drop = async (name, onto) => deeds.beginTransfer(page, () => deeds.dropFilesOn(app, onto, [join(files, name)]))

  await step('while files move, the computer is kept awake', async () => {
    held()
    const onto = await page.find('heading', 'This bucket is empty')
    await deeds.beginTransfer(page, () => deeds.dropFilesOn(app, onto, ['kept.txt', 'refused <1>.txt'].map((name) => join(files, name))))
    // The system is asked, and the desktop, which may have a mind of its own.
    await until('the computer to be kept awake', () => system.held.length === 2)
    const why = 'Files are being transferred'
    assert.deepEqual(system.all, [
      { at: 'logind', what: 'idle', who: 'Wherry', why, mode: 'block', held: true },
      { at: 'gnome', what: SUSPEND, who: 'org.wherry.Wherry', why, held: true },
    ])
  })

  await step('at the end it may sleep, and the desktop says what went wrong while one looked elsewhere', async () => {
    await xdotool('windowminimize', '--sync', app.window)
    letGo()
    const told = await until('a notification', () => desktop.shown[0])
    assert.equal(told.title, 'Transfer finished with problems')
    assert.match(told.words, /^Upload 2 files to .*\. Files that failed: 1\.$/)
    await until('the computer to be let sleep', () => system.held.length === 0)
    desktop.press(told, 'default')
    await until('the window to be there, with the keyboard', async () => (await isShown()) && (await hasKeyboard()))
    await page.says('1 file failed, 1 sent')
  })

  await step('who looks is not told', async () => {
    held()
    await drop('refused 2.txt', await page.find('grid'))
    await until('the computer to be kept awake', () => system.all.length === 4)
    letGo()
    await until('the computer to be let sleep', () => system.held.length === 0)
    assert.match(await deeds.transferEnds(page), /^Failed/)
  })

  await step('nor is what went well and was short news', async () => {
    held()
    await drop('also kept.txt', await page.find('grid'))
    await until('the computer to be kept awake', () => system.all.length === 6)
    await xdotool('windowminimize', '--sync', app.window)
    letGo()
    await until('the computer to be let sleep', () => system.held.length === 0)
    assert.equal(desktop.shown.length, 1, JSON.stringify(desktop.shown))
  })
})
