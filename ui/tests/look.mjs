/**
 * Pictures of the screens, to look at.
 *   node tests/look.mjs STATE|all [--theme light|dark|both] [--size 1280x800] [--scale 2] [--out FOLDER]
 */
import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { open, start } from './chromium.mjs'
import { allStates } from './states.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    theme: { type: 'string', default: 'light' },
    size: { type: 'string', default: '1280x800' },
    scale: { type: 'string', default: '1' },
    out: { type: 'string', default: 'look' },
  },
})
const states = await allStates()
const wanted = positionals.includes('all') ? Object.keys(states) : positionals
if (!wanted.length || wanted.some((name) => !states[name])) {
  console.error(`which one? ${Object.keys(states).join(' ')}`)
  process.exit(2)
}
await mkdir(values.out, { recursive: true })
const desk = await start()
try {
  for (const name of wanted)
    for (const theme of values.theme === 'both' ? ['light', 'dark'] : [values.theme]) {
      const { world, steps } = states[name]
      const { page, errors } = await open(desk, { world, theme, size: values.size, scale: Number(values.scale) })
      try {
        await page.waitForTimeout(250)
        if (steps) await steps(page)
        await page.waitForTimeout(250)
      } catch (error) {
        errors.push(String(error).split('\n').slice(0, 6).join('\n'))
      }
      const file = `${values.out}/${name}-${theme}-${values.size}${values.scale === '1' ? '' : `-x${values.scale}`}.png`
      await page.screenshot({ path: file })
      console.log(file, errors.length ? `\n  ${errors.join('\n  ')}` : '')
      await page.close()
    }
} finally {
  await desk.close()
}
