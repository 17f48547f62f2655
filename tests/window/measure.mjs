/**
 * The window in figures: from its start to the first rows, its memory, how smooth it is while ten thousand
 * files are sent, and how it keeps up with `wherry-cli`:
 *
 *   npm run measure -- [--parts start,frames,large] [--rounds 5] [--quick] [--json FILE]
 *
 * Measures the release build, which must be there: the app with its pages built in, `wherry-cli` and `null-s3`
 * (`bench/run` builds them); WHERRY_APP may name another app. `--quick` does a tenth, one round.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { TESTBED } from './harness/bed.mjs'
import { measureFrames } from './measure/frames.mjs'
import { measureLarge } from './measure/large.mjs'
import { mib, MIB, milliseconds, seconds } from './measure/numbers.mjs'
import { measureStart } from './measure/start.mjs'
import { nullStore } from './measure/store.mjs'

const { values: options } = parseArgs({
  options: {
    parts: { type: 'string', default: 'start,frames,large' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const target = resolve(process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url)))
const programs = join(target, 'release')

if (!process.env.WHERRY_MEASURED) {
  const again = ['keychain', '--', TESTBED, 'screen', '--', process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const env = {
    ...process.env,
    WHERRY_MEASURED: 'yes',
    PATH: `${join(target, 'tools/bin')}:${process.env.PATH}`,
    WHERRY_APP: process.env.WHERRY_APP ?? join(programs, 'wherry'),
  }
  process.exit(spawnSync(TESTBED, again, { stdio: 'inherit', env }).status ?? 1)
}

const rounds = Number(options.rounds ?? (options.quick ? 1 : 5))
const part = options.quick ? 10 : 1
const wanted = options.parts.split(',')

/** What people read: the work, what was found, and what is wanted of it where something is. */
const rows = []
const found = {}

if (wanted.includes('start')) {
  const start = (found.start = await measureStart(rounds))
  rows.push([`start to the first rows of ${start.rows.toLocaleString('en')} objects`, milliseconds(start.shown), ''])
  rows.push(['memory at rest, all processes', mib(start.held), ''])
}
const store = await nullStore(programs)
try {
  if (wanted.includes('frames')) {
    const frames = (found.frames = await measureFrames(store.endpoint, 10_000 / part))
    const what = `${frames.files.toLocaleString('en')} × 16 KiB, up`
    rows.push([`${what}: from the press of the button to the end`, seconds(frames.took), ''])
    rows.push([`${what}: longest time without a frame`, milliseconds(frames.longest), '100 ms'])
    rows.push([`${what}: the same while they are dropped and the plan is made`, milliseconds(frames.longestPlanning), '100 ms'])
    rows.push([`${what}: most memory above rest, all processes`, mib(frames.above), '150 MB'])
    // A busy computer makes gaps that are not the page's.
    console.error(`the page ran ${milliseconds(frames.ran)} and waited ${milliseconds(frames.waited)} for a processor`)
    if (frames.gaps.length) console.error(`gaps: ${frames.gaps.map(({ gap, at }) => `${gap} ms at ${at}`).join(', ')}`)
  }
  if (wanted.includes('large')) {
    const large = (found.large = await measureLarge(programs, store.endpoint, Math.floor(1024 / part) * MIB, rounds))
    const name = large.size < 1 << 30 ? `${large.size / MIB} MiB` : '1 GiB'
    for (const way of ['up', 'down']) {
      const { window, cli } = large[way]
      rows.push([`one object of ${name}, ${way}: the window`, seconds(window), ''])
      rows.push([`one object of ${name}, ${way}: wherry-cli`, seconds(cli), ''])
      rows.push([`one object of ${name}, ${way}: the window for each second of wherry-cli`, (window / cli).toFixed(2), '1.10'])
    }
  }
} finally {
  await store.stop()
}

const table = ['| the window | measured | at most |', '|---|---:|---:|', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n')
console.log(table)
if (options.json) writeFileSync(options.json, JSON.stringify({ table, found }, null, 1))
