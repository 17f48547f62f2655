/**
 * Pictures of every screen, for looking at and for the README: light and dark, 1280×800 and 1920×1080, and
 * with text at 200 %.
 *
 *   npm run screens -- FOLDER [SCREEN…]
 *
 * Needs a built app (WHERRY_APP, or target/debug/wherry) and starts the servers itself.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { App, User } from './harness/app.mjs'
import { bed, gateway, TESTBED } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { dragFilesTo, windows } from './harness/screen.mjs'
import { until } from './harness/until.mjs'

const VARIANTS = [
  { name: 'light-1280', theme: 'light', width: 1280, height: 800, scale: 1 },
  { name: 'dark-1280', theme: 'dark', width: 1280, height: 800, scale: 1 },
  { name: 'light-1920', theme: 'light', width: 1920, height: 1080, scale: 1 },
  { name: 'dark-1920', theme: 'dark', width: 1920, height: 1080, scale: 1 },
  { name: 'light-200-percent', theme: 'light', width: 1280, height: 800, scale: 2 },
]

const [folder, ...only] = process.argv.slice(2)
if (!folder) {
  console.error('usage: npm run screens -- FOLDER [SCREEN…]')
  process.exit(2)
}
if (!bed) {
  // Once more, with everything it needs around it.
  const target = resolve(process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url)))
  const servers = ['with', '--rgw', '--keystone', '--keystone-cache', '10000', '--', TESTBED]
  const surroundings = ['keychain', '--', TESTBED, 'screen', '--size', '2100x1200', '--']
  const again = [process.execPath, fileURLToPath(import.meta.url), resolve(folder), ...only]
  const env = { ...process.env, PATH: `${join(target, 'tools/bin')}:${process.env.PATH}`, WHERRY_APP: process.env.WHERRY_APP ?? join(target, 'debug/wherry') }
  process.exit(spawnSync(TESTBED, [...servers, ...surroundings, ...again], { stdio: 'inherit', env }).status ?? 1)
}

const user = new User()
let app

/** Makes the window look so, as Settings would, and waits until nothing moves any more. */
async function dress({ theme, width, height, scale }) {
  await app.resize(width, height)
  await app.page.session.run((theme, scale) => {
    document.documentElement.dataset.theme = theme
    document.documentElement.style.setProperty('--text-scale', String(scale))
    // With the setting itself, the window counts its width in letters; here it is told of fewer pixels instead.
    Object.defineProperty(window, 'innerWidth', { configurable: true, get: () => document.documentElement.clientWidth / scale })
    window.dispatchEvent(new Event('resize'))
  }, theme, scale)
  // What is to move begins with the next frame, so it has to be still for some of them.
  let still = 0
  await until('the window to have settled', async () => {
    const calm = await app.page.session.run((width) => {
      const ends = (one) => one.effect.getComputedTiming().iterations !== Infinity
      const moving = document.getAnimations().filter((one) => one.playState === 'running' && ends(one))
      return document.documentElement.clientWidth === width && moving.length === 0
    }, width)
    still = calm ? still + 1 : 0
    return still >= 4
  })
}

/** Takes one screen in every variant. */
async function take(name, variants = VARIANTS) {
  if (only.length && !only.includes(name)) return
  for (const variant of variants) {
    await dress(variant)
    writeFileSync(join(folder, `${name}-${variant.name}.png`), await app.page.session.screenshot())
  }
  await dress(VARIANTS[0])
  console.log(name)
}

const csv = (rows) => 'day,level,temperature\n' + '2024-03-01,2.41,7.9\n'.repeat(rows)

async function prepare() {
  const store = gateway()
  await store.make('river-levels', {
    'README.txt': 'Level readings of the Yare and the Bure.\n',
    '2023/bure.csv': csv(4000),
    '2023/yare.csv': csv(5000),
    '2024/bure.csv': csv(2100),
    '2024/yare.csv': csv(2300),
    'maps/catchment.geojson': '{}',
    'gauges.csv': csv(60),
    'calibration 2024-02.pdf': Buffer.alloc(734_003, 1),
    'panorama, Breydon Water.jpg': Buffer.alloc(5_340_112, 2),
    'Übersicht.ods': Buffer.alloc(48_120, 3),
    'sonar-0001.bin': Buffer.alloc(12_582_912, 4),
    'sonar-0002.bin': Buffer.alloc(12_582_912, 5),
    'sonar-0003.bin': Buffer.alloc(9_437_184, 6),
  })
  for (const bucket of ['broads-archive', 'satellite-tiles', 'thesis']) await store.make(bucket)
  return user.files('to upload', {
    'gauges.csv': csv(80),
    'README.txt': 'Level readings of the Yare and the Bure.\n',
    'notes/march.txt': 'High water on the 11th.\n',
    'notes/april.txt': 'Calm.\n',
    'desktop.ini': '',
  })
}

async function signIn(page) {
  await page.find('heading', 'Welcome to Wherry')
  await take('welcome')
  await page.press('Sign in and have a key made')
  await page.find('option', /^OpenStack /)
  await take('choose-place')
  await (await page.find('option', /^OpenStack /)).click()
  const { alice, url } = bed.keystone
  await page.fill('Address of Keystone', url)
  await page.fill('User name', alice.name)
  await page.fill('Password', 'not the password')
  await page.press('Sign in')
  await page.find('alert')
  await take('sign-in-refused')
  await page.fill('Password', alice.password)
  await page.press('Sign in')
  await (await page.find('combobox', 'Project')).choose(/^demo/)
  await page.find('textbox', 'Address of the store')
  await page.fill('Name', 'Survey cloud')
  await take('make-a-key')
  await page.press('Make a key')
  await page.find('heading', 'Your new key')
  await deeds.readNewKey(page)
  await take('secret-shown-once')
  await page.press('Done')
  await page.find('heading', 'No buckets yet')
  await take('no-buckets')
}

async function keyInHand(page) {
  await deeds.openKeyForm(page)
  const { access_key: id, secret_key: secret } = bed.rgw.user
  await deeds.fillKeyForm(page, { name: 'River group', endpoint: bed.rgw.endpoint.replace('http:', 'https:'), id, secret })
  await page.press('Test')
  await page.find('alert')
  await take('key-form-mistake')
  await page.fill('Address of the store', bed.rgw.endpoint)
  await page.press('Test')
  await page.says('This works.')
  await take('key-form')
  await page.press('Save')
  await page.gone('dialog')
  await page.find('option', /^river-levels/)
  await take('buckets')
}

async function browse(page, upload) {
  await deeds.openBucket(page, 'thesis')
  await page.find('heading', 'This bucket is empty')
  await take('empty-bucket')
  const over = () => page.says('Upload 1 item to thesis/')
  const heading = await page.find('heading', 'This bucket is empty')
  await dragFilesTo(await app.middle(heading), [join(upload, 'gauges.csv')], {
    over: async () => {
      await over()
      await take('drop-here', VARIANTS.filter(({ width, scale }) => width === 1280 && scale === 1))
    },
  })
  await deeds.shows(page, ['gauges.csv'])

  await deeds.openBucket(page, 'river-levels')
  await (await deeds.row(page, 'gauges.csv')).click()
  await page.press('Properties')
  await page.says('Metadata')
  await take('browse')
  await page.press('Properties')
  await (await deeds.row(page, 'gauges.csv')).rightClick()
  await page.find('menu')
  await take('context-menu')
  await page.keys('Escape')
  await page.gone('menu')
  await page.fill('Filter this folder by name', 'nothing like this')
  await page.says('Nothing here matches')
  await take('no-match')
  await page.keys('Escape')
  await (await deeds.row(page, 'gauges.csv')).click()
  await page.keys('F2')
  await page.find('dialog')
  await take('rename')
  await page.keys('Escape')
  await page.gone('dialog')
  await page.keys('Control+a', 'Delete')
  await page.find('button', /^Delete \d+ objects$/)
  await take('delete-plan')
  await page.keys('Escape')
  await page.gone('dialog')
}

async function transfers(page, upload) {
  await (await page.find('button', 'Upload')).click()
  await (await page.find('menuitem', /^Upload files…/)).click()
  await until('the dialog', async () => (await windows('^Upload files to')).length)
  await deeds.answerFileDialog('Upload files to river-levels/', join(upload, 'gauges.csv'))
  await page.find('dialog')
  await take('upload-plan')
  await (await page.find('radio', /^Keep both/)).click()
  await page.press('Upload 1 file')
  await page.gone('dialog')
  await (await deeds.row(page, 'sonar-0001.bin')).click()
  await deeds.transfer(page, async () => {
    await page.press('Download')
    if (!(await page.has('dialog'))) await deeds.answerFileDialog('Download to', user.downloads)
  })
  await take('transfers')
  await page.press('Close transfers')
}

async function keysAndSettings(page) {
  await deeds.openKeys(page, 'Survey cloud')
  await page.find('table')
  await take('keys')
  await (await page.findAll('button', /^Delete key/))[0].click()
  await page.find('dialog', 'Delete this key?')
  await take('delete-key')
  await page.press('Keep it')
  await page.press('Settings')
  await page.find('dialog', 'Settings')
  await take('settings')
  await page.press('Change…')
  await page.find('dialog', 'Where Wherry keeps secrets')
  await take('where-secrets-are')
  await page.press('Not now')
  await page.keys('F1')
  await page.find('dialog')
  await take('shortcuts')
  await page.keys('Escape')
}

mkdirSync(folder, { recursive: true })
try {
  const upload = await prepare()
  app = await App.start(user)
  await app.moveAside()
  await app.resize(VARIANTS[0].width, VARIANTS[0].height)
  await signIn(app.page)
  await keyInHand(app.page)
  await browse(app.page, upload)
  await transfers(app.page, upload)
  await keysAndSettings(app.page)
} catch (error) {
  console.error(error)
  if (app) writeFileSync(join(folder, 'where-it-stopped.png'), await app.page.session.screenshot().catch(() => ''))
  process.exitCode = 1
} finally {
  await app?.end()
  user.remove()
}
