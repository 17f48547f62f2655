/**
 * How long the app takes from its start to the first rows of the practice store's folder, what memory all
 * its processes hold at rest, and how long the window ever stands still while a thousand files are sent:
 *
 *   npm run measure -- [STARTS]
 *
 * Measures WHERRY_APP, or target/release/wherry. From the moment the kernel made the process, which is
 * before any of our code, to the moment rows are in the page; WebDriver, which looks for them, is part of
 * the time. The first start also reads the program from the disk.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { App, User } from './harness/app.mjs'
import { TESTBED } from './harness/bed.mjs'
import * as deeds from './harness/deeds.mjs'
import { dragFilesTo } from './harness/screen.mjs'
import { memoryOf, programOf } from './harness/processes.mjs'
import { until } from './harness/until.mjs'

const starts = Number(process.argv[2] ?? 5)
const ROWS = 1000

if (!process.env.WHERRY_MEASURED) {
  const target = resolve(process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url)))
  const again = ['keychain', '--', TESTBED, 'screen', '--', process.execPath, fileURLToPath(import.meta.url), String(starts)]
  const env = {
    ...process.env,
    WHERRY_MEASURED: 'yes',
    PATH: `${join(target, 'tools/bin')}:${process.env.PATH}`,
    WHERRY_APP: process.env.WHERRY_APP ?? join(target, 'release/wherry'),
  }
  process.exit(spawnSync(TESTBED, again, { stdio: 'inherit', env }).status ?? 1)
}

/** When a process was made, in milliseconds since 1970; the kernel counts in hundredths of a second. */
function bornAt(pid) {
  const ticks = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')[19])
  const booted = Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  return booted + ticks * 10
}

function processorTime(pids) {
  const of = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  return pids.reduce((sum, pid) => sum + of(pid), 0)
}

/** Waits until the app has done nothing worth counting for two seconds. */
async function rest(app) {
  let before = -Infinity
  await until(
    'the app to rest',
    () => {
      const now = processorTime(app.pids)
      const still = now - before <= 2
      before = now
      return still
    },
    { every: 2000, seconds: 60 },
  )
}

const user = new User()
const bucket = join(user.wherry, 'practice', 'readings')
mkdirSync(bucket, { recursive: true })
for (let i = 0; i < ROWS; i++) writeFileSync(join(bucket, `reading-${String(i).padStart(4, '0')}.csv`), 'day,level\n')

/** Sends a thousand small files and returns the longest time between two frames, in milliseconds. */
async function longestFrame(app) {
  const { page } = app
  const files = user.files('a thousand', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i}.txt`, `${i}`])))
  await app.moveAside()
  await page.session.run(() => {
    window.longest = 0
    let last = performance.now()
    const frame = (now) => {
      window.longest = Math.max(window.longest, now - last)
      last = now
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  const grid = await page.find('grid')
  const began = performance.now()
  const said = await deeds.transfer(page, async () => dragFilesTo(await app.middle(grid), [files]))
  if (!/^Done: 1,000 files sent/.test(said)) throw new Error(said)
  const took = performance.now() - began
  return { longest: await page.session.run(() => window.longest), took }
}

let app
let sending
const shown = []
const memory = []
try {
  // Once for the account and the place; the starts that are measured open there.
  app = await App.start(user)
  await deeds.openPracticeStore(app.page)
  await deeds.openBucket(app.page, 'readings')
  await app.page.find('gridcell', 'reading-0000.csv')
  await app.close()

  for (let i = 0; i < starts; i++) {
    app = await App.start(user)
    await until('the rows', () => app.page.session.run(() => document.querySelectorAll('[role=gridcell]').length > 0), { every: 2 })
    shown.push(Date.now() - bornAt(app.pid))
    await rest(app)
    memory.push(Object.fromEntries(app.pids.map((pid) => [programOf(pid).split('/').at(-1), memoryOf(pid)])))
    if (i === starts - 1) sending = await longestFrame(app)
    await app.close()
  }
} finally {
  await app?.end()
  user.remove()
}

const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
const MB = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`
const totals = memory.map((one) => Object.values(one).reduce((a, b) => a + b, 0))
console.log(`app: ${process.env.WHERRY_APP}`)
console.log(`start to first rows (${ROWS} objects), ms: ${shown.map(Math.round).join(' ')}; median ${Math.round(middle(shown))}`)
console.log(`memory at rest (PSS, all processes): ${totals.map(MB).join(' ')}; median ${MB(middle(totals))}`)
console.log(`longest time without a frame while 1,000 files are sent: ${Math.round(sending.longest)} ms (drag to done: ${(sending.took / 1000).toFixed(1)} s)`)
for (const [program, bytes] of Object.entries(memory.at(-1))) console.log(`  ${program}: ${MB(bytes)}`)
