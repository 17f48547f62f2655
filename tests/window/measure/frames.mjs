/**
 * How smooth the window is while many small files are sent, and what memory that takes.
 *
 * Frames are counted in the page. Nothing else is asked of it meanwhile, as looking for things by their role
 * is work for the page too.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { App, User } from '../harness/app.mjs'
import { dragFilesTo } from '../harness/screen.mjs'
import { programOf } from '../harness/processes.mjs'
import { until } from '../harness/until.mjs'
import { heldBy, resting, watchMemory } from './memory.mjs'
import { openAccountAt } from './store.mjs'

/** Longer gaps than this are kept one by one. */
const GAP = 50
const SIZE = 16 << 10

/** In the page: remembers every gap, with the time at which it ended. */
function count(long) {
  window.gaps = { longest: 0, frames: 0, all: [] }
  let last = performance.now()
  const frame = (now) => {
    const { gaps } = window
    const gap = now - last
    gaps.frames++
    gaps.longest = Math.max(gaps.longest, gap)
    if (gap > long) gaps.all.push({ gap: Math.round(gap), at: Date.now() })
    last = now
    if (!gaps.over) requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}

const counted = (page) => page.session.run(() => window.gaps)
/** What the newest transfer says; one look at one element. */
const said = (page) => page.session.run(() => document.querySelector('ul[aria-label=Finished] li .state')?.innerText ?? '')

/** Milliseconds for which the page's own thread has run, and for which it waited for a processor. */
function pageTime(app) {
  const pid = app.pids.find((pid) => programOf(pid)?.endsWith('WebKitWebProcess'))
  const times = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')
  return times.slice(0, 2).map((time) => Number(time) / 1e6)
}

/** `files` small ones, dragged into the window from memory. */
export async function measureFrames(endpoint, files, shm = '/dev/shm') {
  const user = new User()
  const from = mkdtempSync(join(shm, 'wherry-measure-'))
  for (let i = 0; i < files; i++) {
    const folder = join(from, `set-${String(Math.floor(i / 1000)).padStart(3, '0')}`)
    if (i % 1000 === 0) mkdirSync(folder)
    writeFileSync(join(folder, `file-${String(i).padStart(6, '0')}.bin`), randomBytes(SIZE))
  }
  let app
  try {
    app = await App.start(user)
    const { page } = app
    await app.moveAside()
    await openAccountAt(page, endpoint, `many-${process.pid}`)
    const empty = await app.middle(await page.find('heading', 'This bucket is empty'))
    await page.press('Transfers')
    await resting(app)
    const rest = heldBy(app)
    await page.session.run(count, GAP)
    const most = watchMemory(app)

    await dragFilesTo(empty, [from])
    const run = await page.find('button', `Upload ${files.toLocaleString('en')} files`, { seconds: 60 })
    const planned = await counted(page)
    await page.session.run(() => (window.gaps.longest = 0))
    const began = Date.now()
    const before = pageTime(app)
    await run.click()
    await until('the transfer to end', async () => /^(Done|Failed|Cancelled)|failed/.test(await said(page)), { every: 500, seconds: 600 })
    const { longest, all, frames } = await counted(page)
    const ended = Date.now()
    const words = await said(page)
    if (!words.startsWith(`Done: ${files.toLocaleString('en')} files sent`)) throw new Error(words)
    await page.session.run(() => (window.gaps.over = true))
    const [ran, waited] = pageTime(app).map((time, i) => time - before[i])
    const peak = most()
    await resting(app)
    const after = heldBy(app)
    await app.close()
    return {
      files,
      longest,
      longestPlanning: planned.longest,
      gaps: all.map(({ gap, at }) => ({ gap, at: at - began })),
      frames,
      ran,
      waited,
      took: ended - began,
      rest,
      above: peak - rest,
      stays: after - rest,
    }
  } finally {
    await app?.end()
    user.remove()
    rmSync(from, { recursive: true, force: true })
  }
}

