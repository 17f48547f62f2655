/** How long the app takes from its start to the first rows, and what memory it holds at rest. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { App, User } from '../harness/app.mjs'
import * as deeds from '../harness/deeds.mjs'
import { until } from '../harness/until.mjs'
import { heldBy, resting } from './memory.mjs'
import { median } from './numbers.mjs'

const ROWS = 1000

/** When a process was made, in milliseconds since 1970; the kernel counts in hundredths of a second. */
function bornAt(pid) {
  const ticks = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')[19])
  const booted = Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  return booted + ticks * 10
}

/**
 * From the moment the kernel made the process, which is before any of our code, to the moment the rows of the
 * practice store's folder are in the page; WebDriver, which looks for them, is part of the time. Medians.
 */
export async function measureStart(starts) {
  const user = new User()
  const bucket = join(user.wherry, 'practice', 'readings')
  mkdirSync(bucket, { recursive: true })
  for (let i = 0; i < ROWS; i++) writeFileSync(join(bucket, `reading-${String(i).padStart(4, '0')}.csv`), 'day,level\n')
  let app
  const [shown, held] = [[], []]
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
      await resting(app)
      held.push(heldBy(app))
      await app.close()
    }
  } finally {
    await app?.end()
    user.remove()
  }
  return { rows: ROWS, shown: median(shown), held: median(held) }
}
