/** What every test in a browser begins with: the pages, a visit to a world, and what is looked at on each screen. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findings, outside, settled } from './axe.mjs'
import { open, start } from './chromium.mjs'

/** Each has a page of its own, and waits for the browser half of the time. */
export const TOGETHER = { concurrency: 2 }

/** For one file of tests. Everything in it takes its pages from one browser. */
export function visiting() {
  let desk
  before(async () => (desk = await start()))
  after(() => desk?.close())

  async function visit(world, options = {}) {
    const { page, errors } = await open(desk, { world, ...options })
    page.setDefaultTimeout(30_000)
    await page.waitForFunction(() => !document.body.textContent.includes('Opening Wherry'))
    return { page, errors }
  }

  /** To the screen that a state is about. */
  async function arrive({ world, steps }, options) {
    const visited = await visit(world, options)
    await steps?.(visited.page)
    await settled(visited.page)
    return visited
  }

  /** Of each of these screens, what axe finds in light and dark. */
  function accessible(states) {
    describe('axe', TOGETHER, () => {
      for (const [name, state] of Object.entries(states))
        test(name, async () => {
          const { page, errors } = await arrive(state)
          for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme })
            await settled(page)
            assert.deepEqual(await findings(page), [], colorScheme)
          }
          assert.deepEqual(errors, [])
          await page.close()
        })
    })
  }

  /** With text of twice the size in a small window, everything can still be reached. */
  function roomy(states) {
    describe('large text in a small window', TOGETHER, () => {
      for (const [name, state] of Object.entries(states))
        test(name, async () => {
          const { page } = await arrive(state, { size: '800x600', scale: 2 })
          assert.deepEqual(await outside(page), [])
          await page.close()
        })
    })
  }

  return { visit, arrive, accessible, roomy }
}
