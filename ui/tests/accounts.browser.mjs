/**
 * Every screen of accounts, keys and settings in a browser: what axe finds, in light and dark, and
 * whether everything can be reached with large text in a small window.
 *   npm run test:browser --prefix ui
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findings, settled } from './axe.mjs'
import accountStates from './states-accounts.mjs'
import handOverStates from './states-handover.mjs'
import portalStates from './states-portals.mjs'
import { TOGETHER, visiting } from './visit.mjs'

const states = { ...accountStates, ...handOverStates, ...portalStates }
const { visit } = visiting()

async function arrive(name) {
  const { world, steps } = states[name]
  const { page, errors } = await visit(world)
  // The worlds open their dialog or page a moment after the window.
  if (!['welcome', 'sign-in-needed'].includes(world)) await page.getByRole(/^keys-/.test(world) ? 'region' : 'dialog').first().waitFor()
  if (steps) await steps(page)
  await settled(page)
  return { page, errors: () => errors.filter((one) => !/404/.test(one)) }
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

describe('every screen', TOGETHER, () => {
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
})
