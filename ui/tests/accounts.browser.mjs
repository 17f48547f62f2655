/**
 * Every screen of accounts, keys and settings in a browser: what axe finds, in light and dark, and
 * whether everything can be reached with large text in a small window.
 *   npm run test:browser --prefix ui
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { open, start } from './chromium.mjs'
import accountStates from './states-accounts.mjs'
import handOverStates from './states-handover.mjs'
import portalStates from './states-portals.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const states = { ...accountStates, ...handOverStates, ...portalStates }
let desk

before(async () => (desk = await start()))
after(() => desk.close())

/** Colours and sizes fade from one to the other; half-way ones have no contrast to speak of. */
function settled(page) {
  return page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'))
}

async function arrive(name) {
  const { world, steps } = states[name]
  const { page, errors } = await open(desk, { world })
  page.setDefaultTimeout(30_000)
  // The worlds open their dialog or page a moment after the window.
  if (!['welcome', 'sign-in-needed'].includes(world)) await page.getByRole(/^keys-/.test(world) ? 'region' : 'dialog').first().waitFor()
  if (steps) await steps(page)
  await settled(page)
  return { page, errors: () => errors.filter((one) => !/404/.test(one)) }
}

/** What axe says of what is in front: a dialog hides the rest of the window. */
async function findings(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    const front = document.querySelector('[role=dialog]') ?? document.querySelector('main')
    const { violations } = await window.axe.run(front, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(' | ')}`)
  })
  return violations
}

/** Text that is cut off or stands outside its dialog, and controls no scrolling brings into view. */
function unreachable(page) {
  return page.evaluate(() => {
    const front = document.querySelector('[role=dialog]') ?? document.querySelector('main')
    const found = []
    const wide = [...front.querySelectorAll('*')].filter((one) => {
      const style = getComputedStyle(one)
      return one.scrollWidth > one.clientWidth + 1 && ['auto', 'scroll'].includes(style.overflowX) && !one.matches('.scroll, .sidebar *')
    })
    for (const one of wide) found.push(`scrolls sideways: ${one.outerHTML.slice(0, 120)}`)
    for (const one of front.querySelectorAll('button, input, select')) {
      if (one.closest('details:not([open])') || one.closest('.sidebar') || one.matches('.visually-hidden, [tabindex="-1"]')) continue
      one.scrollIntoView({ block: 'nearest' })
      const box = one.getBoundingClientRect()
      if (box.width === 0) continue
      const out = box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1
      if (out) found.push(`cannot be reached: ${one.outerHTML.slice(0, 120)}`)
    }
    return found
  })
}

for (const name of Object.keys(states))
  test(name, async () => {
    const { page, errors } = await arrive(name)
    try {
      assert.deepEqual(await findings(page), [], 'light')
      await page.emulateMedia({ colorScheme: 'dark' })
      await settled(page)
      assert.deepEqual(await findings(page), [], 'dark')
      await page.setViewportSize({ width: 800, height: 600 })
      await page.evaluate(() => document.documentElement.style.setProperty('--text-scale', '2'))
      await settled(page)
      assert.deepEqual(await unreachable(page), [], '800×600 at 200 %')
      assert.deepEqual(errors(), [])
    } finally {
      await page.close()
    }
  })
