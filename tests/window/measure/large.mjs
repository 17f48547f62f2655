/** One large object up and down, in the window and by `wherry-cli`, in turns. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { App, User } from '../harness/app.mjs'
import * as deeds from '../harness/deeds.mjs'
import { dragFilesTo } from '../harness/screen.mjs'
import { until } from '../harness/until.mjs'
import { median, MIB } from './numbers.mjs'
import { empty, KEY, openAccountAt, touch } from './store.mjs'

const NAME = 'data.bin'
const OBJECT = 'file-0000000.bin'
const FOLDER = 'run-000/set-0/'

/** Wall time of the whole process. */
async function cli(programs, endpoint, home, ...words) {
  const env = {
    ...process.env,
    WHERRY_HOME: home,
    AWS_ACCESS_KEY_ID: KEY.id,
    AWS_SECRET_ACCESS_KEY: KEY.secret,
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: 'us-east-1',
  }
  const began = performance.now()
  const child = spawn(join(programs, 'wherry-cli'), words, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  if (status !== 0) throw new Error(`wherry-cli ${words.join(' ')}: ${said}`)
  return performance.now() - began
}

/** What the app itself says of its transfers. */
const jobs = (page) => page.session.run(() => window.__TAURI_INTERNALS__.invoke('call', { command: 'jobs', args: null }))

/** Does something that becomes a transfer; milliseconds from the hand's last movement to the end of the transfer. */
async function timed(page, act) {
  const known = new Set((await jobs(page)).map(({ id }) => id))
  const began = await act()
  const job = await until(
    'the transfer to end',
    async () => (await jobs(page)).find(({ id, ended }) => !known.has(id) && ended !== null),
    { every: 250, seconds: 300 },
  )
  if (job.state !== 'done') throw new Error(`${job.title}: ${job.state} ${JSON.stringify(job.problem)}`)
  if (process.env.WHERRY_TALK) console.error(`  ${job.title}: begun after ${job.started - began} ms, took ${job.ended - job.started} ms`)
  return job.ended - began
}

export async function measureLarge(programs, endpoint, size, rounds, shm = '/dev/shm') {
  const user = new User()
  const room = mkdtempSync(join(shm, 'wherry-measure-'))
  const [source, home, fetched, byCli] = ['source', 'home', 'fetched', 'by-cli'].map((name) => join(room, name))
  for (const folder of [source, home, fetched, byCli]) mkdirSync(folder)
  const file = openSync(join(source, NAME), 'w')
  for (let i = 0; i < size / MIB; i++) writeSync(file, randomBytes(MIB))
  closeSync(file)
  user.settings(`downloadFolder = ${JSON.stringify(fetched)}\n`)
  const [up, down] = [`large-${process.pid}`, `objects-1-${size}`]
  const took = { up: { window: [], cli: [] }, down: { window: [], cli: [] } }
  let app
  try {
    app = await App.start(user)
    const { page } = app
    await app.moveAside()
    await touch(endpoint, down)
    await openAccountAt(page, endpoint, up)
    const upByWindow = async () => {
      await deeds.openBucket(page, up)
      await page.press('Refresh')
      const onto = await app.middle(await page.find('heading', 'This bucket is empty'))
      let dropped
      const time = await timed(page, async () => {
        await dragFilesTo(onto, [join(source, NAME)], { over: () => (dropped = Date.now()) })
        return dropped
      })
      await empty(endpoint, up)
      return time
    }
    const upByCli = async () => {
      const time = await cli(programs, endpoint, home, 'cp', join(source, NAME), `s3://${up}/${NAME}`)
      await empty(endpoint, up)
      return time
    }
    const downByWindow = async () => {
      await deeds.goTo(page, `${down}/${FOLDER}`)
      await (await deeds.row(page, OBJECT)).click()
      const button = await page.find('button', 'Download')
      await page.session.run(() => window.addEventListener('click', () => (window.pressed = Date.now()), true))
      const time = await timed(page, async () => {
        await button.click()
        return page.session.run(() => window.pressed)
      })
      if (statSync(join(fetched, OBJECT)).size !== size) throw new Error('the window did not fetch all of it')
      rmSync(join(fetched, OBJECT))
      return time
    }
    const downByCli = async () => {
      const to = join(byCli, OBJECT)
      const time = await cli(programs, endpoint, home, 'cp', `s3://${down}/${FOLDER}${OBJECT}`, to)
      rmSync(to)
      return time
    }
    // The first of each is not counted.
    for (let round = 0; round <= rounds; round++) {
      const turn = { up: { window: upByWindow, cli: upByCli }, down: { window: downByWindow, cli: downByCli } }
      for (const way of ['up', 'down'])
        for (const who of round % 2 ? ['window', 'cli'] : ['cli', 'window']) {
          const time = await turn[way][who]()
          if (round > 0) took[way][who].push(time)
        }
    }
    await app.close()
  } finally {
    await app?.end()
    user.remove()
    rmSync(room, { recursive: true, force: true })
  }
  const medians = ({ window, cli }) => ({ window: median(window), cli: median(cli) })
  return { size, rounds, up: medians(took.up), down: medians(took.down) }
}
